package memfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// attributeCost is what an extended attribute takes besides its name and value, in bytes and roughly.
const attributeCost = 64

// An attribute is an extended attribute.
type attribute struct {
	name  string
	value []byte // is never changed, only replaced
}

// attribute returns where name is, or belongs, among the attributes. The caller holds n.mu.
func (n *node) attribute(name string) (i int, exists bool) {
	for i < len(n.attributes) && n.attributes[i].name < name {
		i++
	}
	return i, i < len(n.attributes) && n.attributes[i].name == name
}

func (n *node) Attribute(name string) ([]byte, calls.Errno) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	i, exists := n.attribute(name)
	if !exists {
		return nil, calls.ENODATA
	}
	return n.attributes[i].value, 0
}

func (n *node) SetAttribute(name string, value []byte, flags uint32) calls.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	i, exists := n.attribute(name)
	more := int64(len(value))
	switch {
	case exists && flags&vfs.XattrCreate != 0:
		return calls.EEXIST
	case !exists && flags&vfs.XattrReplace != 0:
		return calls.ENODATA
	case exists:
		more -= int64(len(n.attributes[i].value))
	default:
		more += attributeCost + int64(len(name))
	}
	if err := n.pay(more); err != 0 {
		return err
	}
	if !exists {
		n.attributes = append(n.attributes, attribute{})
		copy(n.attributes[i+1:], n.attributes[i:])
	}
	n.attributes[i] = attribute{name, append([]byte(nil), value...)}
	n.ctime = now()
	return 0
}

func (n *node) RemoveAttribute(name string) calls.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	i, exists := n.attribute(name)
	if !exists {
		return calls.ENODATA
	}
	cost := attributeCost + len(name) + len(n.attributes[i].value)
	copy(n.attributes[i:], n.attributes[i+1:])
	n.attributes[len(n.attributes)-1] = attribute{}
	n.attributes = n.attributes[:len(n.attributes)-1]
	n.ctime = now()
	return n.pay(-int64(cost))
}

func (n *node) Attributes() ([]string, calls.Errno) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var names []string
	for _, a := range n.attributes {
		names = append(names, a.name)
	}
	return names, 0
}

// pay counts memory that the file takes besides its contents, while it counts at all. The caller holds n.mu.
func (n *node) pay(more int64) calls.Errno {
	if n.cost == 0 {
		return 0 // it has gone
	}
	if err := n.fs.charge(more); err != 0 {
		return err
	}
	n.cost += more
	return 0
}
