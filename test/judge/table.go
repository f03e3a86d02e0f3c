package judge

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// column is a run in guests.
type column struct {
	title string
	*results
}

// verdict compares columns with what Linux says of the same tests.
type verdict struct {
	linux      *results
	columns    []column
	exceptions exceptions
}

// except adds the exceptions of a file.
func (v *verdict) except(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	more, err := parseExceptions(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	v.exceptions = append(v.exceptions, more...)
	return nil
}

// counted are the tests that pass on Linux, by package. Packages of which no
// test does are out.
func (v *verdict) counted() map[string][]name {
	all := map[string][]name{}
	for n, o := range v.linux.outcomes {
		if n.test != "" && o == passed {
			all[n.pkg] = append(all[n.pkg], n)
		}
	}
	for _, names := range all {
		slices.SortFunc(names, func(a, b name) int { return strings.Compare(a.test, b.test) })
	}
	return all
}

// packages are those of counted, in order.
func packages(counted map[string][]name) []string { return slices.Sorted(maps.Keys(counted)) }

// share is how many of a column's counted tests of the packages that want
// selects pass.
func (v *verdict) share(c column, want func(pkg string) bool) (pass, of int) {
	for pkg, names := range v.counted() {
		if !want(pkg) {
			continue
		}
		for _, n := range names {
			if c.outcomes[n] == passed {
				pass++
			} else if e, _ := v.exceptions.find(n, c.said(n)); e.moot {
				continue
			}
			of++
		}
	}
	return pass, of
}

// missed calls f for each counted test that does not pass in a column.
func (v *verdict) missed(f func(c column, n name)) {
	counted := v.counted()
	for _, pkg := range packages(counted) {
		for _, n := range counted[pkg] {
			for _, c := range v.columns {
				if c.outcomes[n] != passed {
					f(c, n)
				}
			}
		}
	}
}

// write writes the table, and the list of what does not pass.
func (v *verdict) write(w io.Writer) error {
	out := &printer{w: w}
	out.printf("Tests that pass on Linux, and how many of them pass in a guest:\n\n| package | Linux |")
	for _, c := range v.columns {
		out.printf(" %s |", c.title)
	}
	out.printf("\n|---|%s\n", strings.Repeat("---|", len(v.columns)+1))
	counted, all := v.counted(), 0
	for _, pkg := range packages(counted) {
		all += len(counted[pkg])
		v.row(out, pkg, len(counted[pkg]), func(p string) bool { return p == pkg })
	}
	v.row(out, "**all**", all, func(string) bool { return true })
	out.printf("\nWhat does not pass:\n\n| test | where | why |\n|---|---|---|\n")
	where, why := map[name][]string{}, map[name]string{}
	var order []name
	v.missed(func(c column, n name) {
		if where[n] == nil {
			order = append(order, n)
		}
		where[n] = append(where[n], c.title)
		if e, ok := v.exceptions.find(n, c.said(n)); !ok {
			why[n] = "**not known**"
		} else if why[n] == "" {
			why[n] = e.reason
		}
	})
	for _, n := range order {
		out.printf("| %s | %s | %s |\n", n, strings.Join(where[n], ", "), why[n])
	}
	return out.err
}

// row writes how many tests pass, of those that pass on Linux, or of fewer if not all count.
func (v *verdict) row(out *printer, title string, linux int, want func(string) bool) {
	out.printf("| %s | %d |", title, linux)
	for _, c := range v.columns {
		pass, of := v.share(c, want)
		if out.printf(" %d", pass); of < linux {
			out.printf(" of %d", of)
		}
		out.printf(" |")
	}
	out.printf("\n")
}

// printer remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
