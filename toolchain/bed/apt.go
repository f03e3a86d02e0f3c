package bed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// apt fetches packages of one suite with lists and caches of its own, beside
// the system's. It installs nothing.
type apt struct {
	dir     string // all its files
	suite   string
	options []string
}

const debianKeys = "/usr/share/keyrings/debian-archive-keyring.gpg"

// newAPT prepares dir for the suite on the mirror that the system uses.
func newAPT(ctx context.Context, dir, suite string) (*apt, error) {
	uri, err := mirror(ctx)
	if err != nil {
		return nil, err
	}
	a := &apt{dir: dir, suite: suite}
	for _, sub := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	signed := "[arch=amd64]"
	if _, err := os.Stat(debianKeys); err == nil {
		signed = "[arch=amd64 signed-by=" + debianKeys + "]"
	}
	list := filepath.Join(dir, "sources.list")
	if err := os.WriteFile(list, fmt.Appendf(nil, "deb %s %s %s main\n", signed, uri, suite), 0o600); err != nil {
		return nil, err
	}
	for _, o := range []string{
		"Dir::Etc::sourcelist=" + list, "Dir::Etc::sourceparts=/dev/null", "Dir::Etc::preferences=/dev/null",
		"Dir::Etc::preferencesparts=/dev/null", "Dir::State::lists=" + filepath.Join(dir, "lists"), "Dir::Cache=" + dir,
		"Dir::State::status=/dev/null", "APT::Sandbox::User=", "APT::Architecture=amd64", "APT::Architectures=amd64",
		"Acquire::Languages=none", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
		"Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false", "Acquire::Retries=3",
	} {
		a.options = append(a.options, "-o", o)
	}
	return a, nil
}

// mirror is the address of Debian's main archive in the system's own sources.
func mirror(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)", "Created-By: Packages")
	out, err := output(cmd)
	if err != nil {
		return "", fmt.Errorf("ask apt for its mirror: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		// Updates and security have hyphens in their names.
		if f := strings.Fields(line); len(f) == 4 && f[0] == "Debian" && f[1] == "main" && !strings.Contains(f[2], "-") {
			return f[3], nil
		}
	}
	return "", errors.New("apt's sources name no Debian archive (run apt-get update first if they do): the test bed is made of Debian packages")
}

// update fetches the lists.
func (a *apt) update(ctx context.Context) error {
	if _, err := output(a.command(ctx, "update", "-q")); err != nil {
		return fmt.Errorf("fetch the package lists of %s: %w", a.suite, err)
	}
	return nil
}

// closure returns the file names ("name_version_arch.deb") of what installing
// the packages would install.
func (a *apt) closure(ctx context.Context, packages ...string) ([]string, error) {
	args := append([]string{"install", "-q", "-y", "--no-install-recommends", "--print-uris"}, packages...)
	out, err := output(a.command(ctx, args...))
	if err != nil {
		return nil, fmt.Errorf("look up %s in %s: %w", strings.Join(packages, ", "), a.suite, err)
	}
	var files []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 2 && strings.HasSuffix(f[1], ".deb") {
			files = append(files, f[1])
		}
	}
	return files, nil
}

// download fetches packages, of which closure told the file names, into dir.
func (a *apt) download(ctx context.Context, dir string, files []string) error {
	var names []string
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(dir, f)); err == nil {
			continue
		}
		name, version := splitName(f)
		names = append(names, name+"="+version)
	}
	if len(names) == 0 {
		return nil
	}
	cmd := a.command(ctx, append([]string{"download", "-q"}, names...)...)
	cmd.Dir = dir
	if _, err := output(cmd); err != nil {
		return fmt.Errorf("download packages of %s: %w", a.suite, err)
	}
	return nil
}

func (a *apt) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "apt-get", append(slices.Clone(a.options), args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

// splitName takes a package's file name apart. apt escapes colons.
func splitName(file string) (name, version string) {
	name, rest, _ := strings.Cut(path.Base(file), "_")
	version, _, _ = strings.Cut(rest, "_")
	return name, strings.ReplaceAll(version, "%3a", ":")
}

// pick returns the files of packages whose name matches one of the expressions.
func pick(files []string, expressions ...string) []string {
	wanted := regexp.MustCompile(strings.Join(expressions, "|"))
	var picked []string
	for _, f := range files {
		if name, _ := splitName(f); wanted.MatchString(name) {
			picked = append(picked, f)
		}
	}
	slices.Sort(picked)
	return picked
}

// output runs cmd; what it said on stderr is part of the error.
func output(cmd *exec.Cmd) ([]byte, error) {
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, msg.Bytes())
	}
	return out.Bytes(), nil
}
