package xenstore

import (
	"internal/xengo/xen/abi"
	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
)

// A Tx is a transaction: all of its operations take effect at once, or none.
type Tx struct {
	c  *Client
	id uint32 // 0: no transaction
}

// do checks the path and makes the request.
func (t *Tx) do(op string, typ uint32, path string, parts ...string) ([]byte, error) {
	b, err := []byte(nil), error(hv.EINVAL)
	if validPath(path) {
		b, err = t.c.call(t.id, typ, append([]string{path, "\x00"}, parts...)...)
	}
	if err != nil {
		return nil, &Error{op, path, err}
	}
	return b, nil
}

// validPath keeps what would end the path early, and make the rest of it part
// of the value, out of requests.
func validPath(path string) bool {
	_, _, nul := ascii.Cut(path, 0)
	return path != "" && !nul
}

// Read returns the value of a node.
func (t *Tx) Read(path string) (string, error) {
	b, err := t.do("read", abi.XSRead, path)
	return string(b), err
}

// Write sets the value of a node, creating it and its parents as needed.
func (t *Tx) Write(path, value string) error {
	_, err := t.do("write", abi.XSWrite, path, value)
	return err
}

// Mkdir creates a node with an empty value if there is none.
func (t *Tx) Mkdir(path string) error {
	_, err := t.do("mkdir", abi.XSMkdir, path)
	return err
}

// Remove removes a node and everything below it.
func (t *Tx) Remove(path string) error {
	_, err := t.do("rm", abi.XSRm, path)
	return err
}

// List returns the names of the nodes directly below path.
func (t *Tx) List(path string) ([]string, error) {
	b, err := t.do("directory", abi.XSDirectory, path)
	return splitNul(b), err
}

// Read is Tx.Read outside of transactions.
func (c *Client) Read(path string) (string, error) { return c.plain().Read(path) }

// Write is Tx.Write outside of transactions.
func (c *Client) Write(path, value string) error { return c.plain().Write(path, value) }

// Mkdir is Tx.Mkdir outside of transactions.
func (c *Client) Mkdir(path string) error { return c.plain().Mkdir(path) }

// Remove is Tx.Remove outside of transactions.
func (c *Client) Remove(path string) error { return c.plain().Remove(path) }

// List is Tx.List outside of transactions.
func (c *Client) List(path string) ([]string, error) { return c.plain().List(path) }

func (c *Client) plain() *Tx { return &Tx{c, 0} }

// maxAttempts is how often a transaction is tried. xenstored lets somebody
// win each time, so this many losses in a row mean that something is wrong.
const maxAttempts = 100

// Transact runs f as a transaction. If others changed what it touched
// meanwhile, f runs again from the beginning: it must have no other effects.
// If f fails the transaction is abandoned.
func (c *Client) Transact(f func(tx *Tx) error) error {
	for range maxAttempts {
		tx, err := c.begin()
		if err != nil {
			return &Error{"transaction", "start", err}
		}
		if err := f(tx); err != nil {
			tx.end("F") // f's error says more than one of giving up
			return err
		}
		switch err := tx.end("T"); err {
		case nil:
			return nil
		case hv.EAGAIN:
		default:
			return &Error{"transaction", "end", err}
		}
	}
	return &Error{"transaction", "end", hv.EAGAIN}
}

// begin starts a transaction. Its number comes from xenstored, and has to be
// of use: 0 would be no transaction, a number of another one would mix both
// up (MSA00).
func (c *Client) begin() (*Tx, error) {
	b, err := c.call(0, abi.XSTransactionStart, "\x00")
	if err != nil {
		return nil, err
	}
	n, ok := ascii.ParseUint(cString(b), 1<<32-1)
	id := uint32(n)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !ok || id == 0 || c.open[id] {
		return nil, ErrProtocol
	}
	c.open[id] = true
	return &Tx{c, id}, nil
}

// end ends the transaction, with "T" if it shall take effect, "F" if not.
func (t *Tx) end(how string) error {
	_, err := t.c.call(t.id, abi.XSTransactionEnd, how, "\x00")
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	delete(t.c.open, t.id)
	return err
}
