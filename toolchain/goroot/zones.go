package goroot

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"internal/xengo/runtime/zoneinfo"
)

// zonesSource is this file: what it makes is as new as it and the Go tree are.
//
//go:embed zones.go
var zonesSource []byte

// zones returns the source of package zoneinfo's data, made from the time zones
// in the Go tree at root.
func zones(root string) (file, error) {
	const archive = "lib/time/zoneinfo.zip"
	files, err := readZip(filepath.Join(root, filepath.FromSlash(archive)))
	if err != nil {
		return file{}, fmt.Errorf("%s: %w", archive, err)
	}
	table, err := zoneTable(files)
	if err != nil {
		return file{}, fmt.Errorf("%s: %w", archive, err)
	}
	return generated(archive, "runtime/zoneinfo", table), nil
}

// generated returns a file that has a package's constant data for guests.
func generated(from, dir, data string) file {
	text := fmt.Sprintf("//go:build xenpv\n\n// Code generated from %s. DO NOT EDIT.\n\npackage %s\n\nconst data = %s\n",
		from, filepath.Base(dir), strconv.QuoteToASCII(data))
	return file{from, "src/" + modulePath + "/" + dir + "/data_xenpv.go", []byte(text)}
}

// readZip returns the files in an archive by name.
func readZip(name string) (map[string]string, error) {
	archive, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	files := map[string]string{}
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		files[f.Name] = string(data)
	}
	return files, nil
}

// zoneTable makes the zoneinfo.Table of files by name, and checks that it gives
// them back.
func zoneTable(files map[string]string) (string, error) {
	var names []byte
	var packed packer
	at := map[string]int{} // where each content is in packed
	last := ""
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		offset, ok := at[data]
		if !ok {
			zone, err := packZone([]byte(data))
			if err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
			offset = packed.add(string(zone))
			at[data] = offset
		}
		common := commonPrefix(last, name)
		if len(name) > 255 || offset >= 1<<24 {
			return "", fmt.Errorf("%s does not fit", name)
		}
		names = append(names, byte(common), byte(len(name)-common))
		names = append(names, name[common:]...)
		names = append(names, byte(offset>>16), byte(offset>>8), byte(offset))
		last = name
	}
	if len(names) >= 1<<16 {
		return "", fmt.Errorf("%d bytes of names do not fit", len(names))
	}
	store, err := packed.store()
	if err != nil {
		return "", err
	}
	table := string(slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(len(names))), names)) + store
	return table, checkZones(zoneinfo.Table(table), "", maps.Clone(files))
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// checkZones takes what is in dir, and below, out of files, and fails if it
// is not the same there.
func checkZones(table zoneinfo.Table, dir string, files map[string]string) error {
	var err error
	table.Entries(dir, func(name string, zone int) {
		path := dir + name
		switch want, ok := files[path]; {
		case err != nil:
		case zone < 0:
			err = checkZones(table, path+"/", files)
		case !ok:
			err = fmt.Errorf("%s: should not be in the table", path)
		case string(table.File(zone)) != want:
			err = fmt.Errorf("%s: is not of the form that the table can hold", path)
		default:
			delete(files, path)
		}
	})
	if err == nil && dir == "" && len(files) > 0 {
		err = fmt.Errorf("%d zones did not get into the table", len(files))
	}
	return err
}

// tzifHeader is the header of a block. Source: RFC 9636, section 3.1.
type tzifHeader struct {
	Magic    [4]byte
	Version  byte
	_        [15]byte
	UTs      uint32 // indicators of UT
	Standard uint32 // indicators of standard time
	Leaps    uint32
	Times    uint32
	Types    uint32
	Letters  uint32
}

const tzifHeaderSize = 44

// packZone returns a file as it is in a zoneinfo.Table. What that does not
// hold is for checkZones to find.
func packZone(data []byte) ([]byte, error) {
	const start = tzifHeaderSize + 7 // after a block of version 1 without transitions
	if len(data) < start+tzifHeaderSize {
		return nil, io.ErrUnexpectedEOF
	}
	var h tzifHeader
	if _, err := binary.Decode(data[start:], binary.BigEndian, &h); err != nil {
		return nil, err
	}
	data = data[start+tzifHeaderSize:]
	footer := len(data) - int(h.Times)*9 - int(h.Types)*6 - int(h.Letters)
	if string(h.Magic[:]) != "TZif" || h.Times > 0xffff || h.Types > 0xff || h.Letters > 0xff || footer < 0 || footer > 0xff {
		return nil, fmt.Errorf("not a slim TZif file, or one too large: %+v", h)
	}
	var out bytes.Buffer
	out.Write([]byte{h.Version, byte(h.Times >> 8), byte(h.Times), byte(h.Types), byte(h.Letters), byte(footer)})
	last := int64(0)
	for range h.Times {
		now := int64(binary.BigEndian.Uint64(data))
		packed, err := packTime(last, now)
		if err != nil {
			return nil, err
		}
		out.Write(packed)
		data, last = data[8:], now
	}
	out.Write(data)
	return out.Bytes(), nil
}

// packTime returns a transition after one at last.
func packTime(last, now int64) ([]byte, error) {
	if d := now - last; d >= 0 && d%900 == 0 && d/900 < 1<<15 {
		return binary.BigEndian.AppendUint16(nil, uint16(d/900)), nil
	}
	biased := now + 1<<38
	if biased < 0 || biased >= 1<<39 {
		return nil, fmt.Errorf("a transition at %d s is too far away", now)
	}
	return binary.BigEndian.AppendUint64(nil, uint64(biased)|1<<39)[3:], nil
}
