package xentest

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore/xswire"
)

// A Store is a simulated xenstored: the tree, and connections of domains to
// it. Its methods are what dom0's tools do.
type Store struct {
	dom0 *Domain

	mu      sync.Mutex
	nodes   map[string]string // by absolute path; "" is the root
	version uint64
	conns   []*Conn
	watches []storeWatch

	// Deny, if set, makes requests of a guest on a path fail with EACCES.
	Deny func(typ uint32, path string) bool

	// Reply, if set, may answer a request in xenstored's place: with
	// arbitrary bytes, if it returns true.
	Reply func(h xswire.Header, payload []byte) ([]byte, bool)
}

// storeWatch is a watch of a guest (conn and token) or of a tool (f).
type storeWatch struct {
	path  string // absolute
	as    string // as it was given
	conn  *Conn
	token string
	f     func(path string)
}

// NewStore returns an empty store that dom0 serves.
func NewStore(dom0 *Domain) *Store {
	return &Store{dom0: dom0, nodes: map[string]string{"": ""}}
}

var storeMem = xswire.Mem{Load: atomic.LoadUint32, Store: atomic.StoreUint32}

// normal turns a path into a key of nodes.
func normal(path string) string {
	if path == "/" {
		return ""
	}
	return path
}

// Write sets a node.
func (s *Store) Write(path, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	setNode(s.nodes, normal(path), value)
	s.version++
	s.changed(path)
}

// setNode creates a node and its parents.
func setNode(nodes map[string]string, path, value string) {
	for i := range path {
		if path[i] == '/' {
			if _, ok := nodes[path[:i]]; !ok {
				nodes[path[:i]] = ""
			}
		}
	}
	nodes[path] = value
}

// Read returns a node's value.
func (s *Store) Read(path string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.nodes[normal(path)]
	return v, ok
}

// Remove removes a node and what is below it.
func (s *Store) Remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	removeNode(s.nodes, normal(path))
	s.version++
	s.changed(path)
}

func removeNode(nodes map[string]string, path string) {
	maps.DeleteFunc(nodes, func(p, _ string) bool { return below(p, path) })
}

// below reports whether p is path or below it.
func below(p, path string) bool {
	return p == path || strings.HasPrefix(p, path) && p[len(path)] == '/'
}

// Watch calls f, which must not block, with the paths of changes at path and
// below, and once with path at the beginning.
func (s *Store) Watch(path string, f func(path string)) {
	s.mu.Lock()
	s.watches = append(s.watches, storeWatch{path: path, f: f})
	s.mu.Unlock()
	f(path)
}

// Await waits until node path has the value that ok accepts, and returns it.
// The test's own time limit is its limit.
func (s *Store) Await(path string, ok func(value string) bool) string {
	c := make(chan string, 1)
	s.Watch(path, func(string) {
		go func() { // Watch's functions are called with s.mu held
			if v, exists := s.Read(path); exists && ok(v) {
				select {
				case c <- v:
				default:
				}
			}
		}()
	})
	return <-c
}

// changed fires watches. Removing a node fires those below it too. s.mu is
// held.
func (s *Store) changed(path string) {
	for _, w := range s.watches {
		at := ""
		switch {
		case below(path, w.path):
			at = w.as + path[len(w.path):]
		case below(w.path, path):
			at = w.as
		default:
			continue
		}
		if w.f != nil {
			w.f(path)
		} else {
			w.conn.queue(xswire.AppendMessage(nil, abi.XSWatchEvent, 0, 0, at, "\x00", w.token, "\x00"))
		}
	}
}

// A Conn is the connection of a guest.
type Conn struct {
	s     *Store
	guest hv.DomID
	page  *abi.XenstoreDomainInterface
	port  hv.Port

	in  []byte
	txs map[uint32]*storeTx
	tx  uint32

	mu   sync.Mutex
	out  []byte
	done chan struct{}
}

type storeTx struct {
	nodes   map[string]string
	version uint64
	changed []string
}

// Connect makes a ring between the store and a domain, with indices that begin
// at index, and serves it until the guest closes the port and Close is called.
func (s *Store) Connect(guest *Domain, index uint32) (*abi.XenstoreDomainInterface, hv.Port, *Conn) {
	mem := make([]uint64, hv.PageSize/8)
	page := (*abi.XenstoreDomainInterface)(unsafe.Pointer(&mem[0]))
	page.ReqCons, page.ReqProd, page.RspCons, page.RspProd = index, index, index, index
	port, err := guest.AllocUnbound(s.dom0.ID)
	if err != nil {
		panic(err)
	}
	local, err := s.dom0.Bind(guest.ID, port)
	if err != nil {
		panic(err)
	}
	c := &Conn{s: s, guest: guest.ID, page: page, port: local, txs: map[uint32]*storeTx{}, done: make(chan struct{})}
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	go c.serve()
	return page, port, c
}

// Close ends the service of a connection.
func (c *Conn) Close() {
	if err := c.s.dom0.ClosePort(c.port); err == nil {
		<-c.done
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.watches = slices.DeleteFunc(c.s.watches, func(w storeWatch) bool { return w.conn == c })
}

// Inject sends bytes to the guest that answer nothing.
func (c *Conn) Inject(b []byte) { c.queue(b) }

// Kick sends the guest an event.
func (c *Conn) Kick() { c.s.dom0.Notify(c.port) }

// queue adds to what goes out, and wakes the server to write it.
func (c *Conn) queue(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = append(c.out, b...)
	if p := c.s.dom0.port(c.port); p != nil {
		p.fire()
	}
}

func (c *Conn) serve() {
	defer close(c.done)
	for c.s.dom0.Wait(c.port) {
		for c.pump() {
			if c.s.dom0.Notify(c.port) != nil {
				return
			}
		}
	}
}

// pump moves bytes both ways and reports whether it moved any.
func (c *Conn) pump() bool {
	var buf [100]byte // small, so that messages arrive in pieces
	n, ok := xswire.Requests(c.page).Read(storeMem, buf[:])
	if !ok {
		c.s.dom0.xen.tb.Errorf("xentest: domain %d's request indices are impossible", c.guest)
		return false
	}
	c.in = append(c.in, buf[:n]...)
	for len(c.in) >= xswire.HeaderSize {
		h := xswire.ParseHeader(c.in)
		if h.Len > abi.XenstorePayloadMax {
			c.s.dom0.xen.tb.Errorf("xentest: domain %d sent a payload of %d bytes", c.guest, h.Len)
			return false
		}
		end := xswire.HeaderSize + int(h.Len)
		if len(c.in) < end {
			break
		}
		c.request(h, c.in[xswire.HeaderSize:end])
		c.in = c.in[end:]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := xswire.Responses(c.page).Write(storeMem, c.out)
	c.out = c.out[m:]
	return ok && n+m > 0
}

// request answers a request.
func (c *Conn) request(h xswire.Header, payload []byte) {
	if c.s.Reply != nil {
		if b, ok := c.s.Reply(h, payload); ok {
			c.queue(b)
			return
		}
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	reply, err := c.answer(h, payload)
	if err != nil {
		var e hv.Errno
		if !errors.As(err, &e) {
			e = hv.EINVAL
		}
		c.queue(xswire.AppendMessage(nil, abi.XSError, h.ReqID, h.TxID, e.Name(), "\x00"))
		return
	}
	c.queue(xswire.AppendMessage(nil, h.Type, h.ReqID, h.TxID, reply))
	if h.Type == abi.XSWatch {
		as, rest, _ := strings.Cut(string(payload), "\x00")
		c.queue(xswire.AppendMessage(nil, abi.XSWatchEvent, 0, 0, as, "\x00", strings.TrimSuffix(rest, "\x00"), "\x00"))
	}
}

// absolute returns a guest's path as seen from the root.
func (c *Conn) absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return normal(path)
	}
	return "/local/domain/" + strconv.Itoa(int(c.guest)) + "/" + path
}

// answer carries out a request. s.mu is held.
func (c *Conn) answer(h xswire.Header, payload []byte) (string, error) {
	s := c.s
	as, rest, ok := strings.Cut(string(payload), "\x00")
	if !ok {
		return "", hv.EINVAL
	}
	path := c.absolute(as)
	if s.Deny != nil && s.Deny(h.Type, path) {
		return "", hv.EACCES
	}
	nodes := s.nodes
	var tx *storeTx
	if h.TxID != 0 {
		if tx = c.txs[h.TxID]; tx == nil {
			return "", hv.ENOENT
		}
		nodes = tx.nodes
	}
	changed := func() {
		if tx != nil {
			tx.changed = append(tx.changed, path)
		} else {
			s.version++
			s.changed(path)
		}
	}
	value, exists := nodes[path]
	switch h.Type {
	case abi.XSRead:
		if !exists {
			return "", hv.ENOENT
		}
		return value, nil
	case abi.XSDirectory:
		if !exists {
			return "", hv.ENOENT
		}
		return directory(nodes, path), nil
	case abi.XSWrite:
		setNode(nodes, path, rest)
		changed()
	case abi.XSMkdir:
		if !exists {
			setNode(nodes, path, "")
			changed()
		}
	case abi.XSRm:
		if !exists {
			return "", hv.ENOENT
		}
		removeNode(nodes, path)
		changed()
	case abi.XSWatch:
		return "OK\x00", c.watch(path, as, strings.TrimSuffix(rest, "\x00"))
	case abi.XSUnwatch:
		return "OK\x00", c.unwatch(path, strings.TrimSuffix(rest, "\x00"))
	case abi.XSTransactionStart:
		c.tx++
		c.txs[c.tx] = &storeTx{nodes: maps.Clone(s.nodes), version: s.version}
		return strconv.Itoa(int(c.tx)) + "\x00", nil
	case abi.XSTransactionEnd:
		return "OK\x00", c.end(h.TxID, as == "T")
	default:
		return "", hv.ENOSYS
	}
	return "OK\x00", nil
}

// directory lists children, each ended by a NUL.
func directory(nodes map[string]string, path string) string {
	var names []string
	for p := range nodes {
		if name, ok := strings.CutPrefix(p, path+"/"); ok && !strings.Contains(name, "/") {
			names = append(names, name+"\x00")
		}
	}
	slices.Sort(names)
	return strings.Join(names, "")
}

func (c *Conn) watch(path, as, token string) error {
	for _, w := range c.s.watches {
		if w.conn == c && w.path == path && w.token == token {
			return hv.EEXIST
		}
	}
	c.s.watches = append(c.s.watches, storeWatch{path: path, as: as, conn: c, token: token})
	return nil
}

func (c *Conn) unwatch(path, token string) error {
	for i, w := range c.s.watches {
		if w.conn == c && w.path == path && w.token == token {
			c.s.watches = slices.Delete(c.s.watches, i, i+1)
			return nil
		}
	}
	return hv.ENOENT
}

// end ends a transaction. It fails if anything changed since it began.
func (c *Conn) end(id uint32, commit bool) error {
	tx := c.txs[id]
	delete(c.txs, id)
	if !commit {
		return nil
	}
	if tx.version != c.s.version {
		return hv.EAGAIN
	}
	c.s.nodes = tx.nodes
	if len(tx.changed) > 0 {
		c.s.version++
	}
	for _, p := range tx.changed {
		c.s.changed(p)
	}
	return nil
}
