package bed

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"path"
	"slices"
	"strings"
)

// addModules adds the kernel modules of a list, uncompressed, and the order
// to load them in. A module of the list that this kernel has built in is left
// out; one that needs a module that is not in the list is an error.
func addModules(ctx context.Context, root, from tree, modules []string) error {
	files := make(map[string]string)
	var builtin string
	for name, e := range from {
		if module, ok := moduleName(name); ok {
			files[module] = name
		}
		if path.Base(name) == "modules.builtin" {
			builtin = string(e.data)
		}
	}
	var order strings.Builder
	for i, module := range modules {
		file, ok := files[module]
		if _, there := files[inside[module]]; !ok && there {
			continue
		}
		if !ok {
			if !strings.Contains(strings.ReplaceAll(builtin, "-", "_"), "/"+strings.ReplaceAll(module, "-", "_")+".ko") {
				return fmt.Errorf("the kernel has no module %s", module)
			}
			continue
		}
		data := from[file].data
		if strings.HasSuffix(file, ".xz") {
			e, err := from.find("usr/bin/busybox")
			if err != nil {
				return err
			}
			if data, err = busybox(ctx, e.data, data, "xz", "-dc"); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		if err := checkDepends(data, modules[:i]); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		root.add("lib/modules/"+module+".ko", data, 0o644)
		fmt.Fprintf(&order, "%s.ko\n", module)
	}
	root.add("lib/modules/order", []byte(order.String()), 0o644)
	return nil
}

// checkDepends reports a module that this one needs and that is not loaded
// before it ("depends=a,b" in .modinfo; empty when built in).
func checkDepends(module []byte, before []string) error {
	f, err := elf.NewFile(bytes.NewReader(module))
	if err != nil {
		return err
	}
	s := f.Section(".modinfo")
	if s == nil {
		return fmt.Errorf("no .modinfo")
	}
	info, err := s.Data()
	if err != nil {
		return err
	}
	for field := range strings.SplitSeq(string(info), "\x00") {
		list, ok := strings.CutPrefix(field, "depends=")
		if !ok || list == "" {
			continue
		}
		for need := range strings.SplitSeq(list, ",") {
			same := func(m string) bool {
				return strings.ReplaceAll(m, "-", "_") == strings.ReplaceAll(need, "-", "_")
			}
			if !slices.ContainsFunc(before, same) {
				return fmt.Errorf("needs module %s", need)
			}
		}
	}
	return nil
}
