package xenstore_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/xenstore"
	"internal/xengo/xen/xenstore/xswire"
)

// What nobody asked for is dropped, and what was asked for still arrives.
func TestUnasked(t *testing.T) {
	b := newBed(t, 0)
	b.store.Write("/k", "v")
	b.conn.Inject(xswire.AppendMessage(nil, abi.XSRead, 999, 0, "who?"))
	b.conn.Inject(xswire.AppendMessage(nil, abi.XSWatchEvent, 0, 0, "path", "\x00", "no such token", "\x00"))
	b.conn.Inject(xswire.AppendMessage(nil, abi.XSWatchEvent, 0, 0, "no NUL"))
	b.conn.Inject(xswire.AppendMessage(nil, 12345, 0, 0))
	if v, err := b.xs.Read("/k"); v != "v" || err != nil {
		t.Errorf("Read = %q, %v", v, err)
	}
}

func TestWrongReplyType(t *testing.T) {
	b := newBed(t, 0)
	b.store.Reply = func(h xswire.Header, _ []byte) ([]byte, bool) {
		return xswire.AppendMessage(nil, h.Type+1, h.ReqID, 0, "x"), true
	}
	if _, err := b.xs.Read("/k"); !errors.Is(err, xenstore.ErrProtocol) {
		t.Errorf("Read = %v", err)
	}
}

// A transaction number that is 0, no number, or another transaction's is
// refused (MSA00).
func TestTransactionNumbers(t *testing.T) {
	for _, id := range []string{"0\x00", "\x00", "x\x00", "4294967296\x00", "-1\x00"} {
		b := newBed(t, 0)
		b.store.Reply = func(h xswire.Header, _ []byte) ([]byte, bool) {
			return xswire.AppendMessage(nil, h.Type, h.ReqID, 0, id), true
		}
		err := b.xs.Transact(func(*xenstore.Tx) error {
			t.Errorf("transaction %q began", id)
			return nil
		})
		if !errors.Is(err, xenstore.ErrProtocol) {
			t.Errorf("transaction %q: %v", id, err)
		}
	}
	b := newBed(t, 0)
	b.store.Reply = func(h xswire.Header, _ []byte) ([]byte, bool) {
		return xswire.AppendMessage(nil, h.Type, h.ReqID, 0, "5\x00"), true
	}
	err := b.xs.Transact(func(*xenstore.Tx) error {
		return b.xs.Transact(func(*xenstore.Tx) error {
			t.Error("two transactions have one number")
			return nil
		})
	})
	if !errors.Is(err, xenstore.ErrProtocol) {
		t.Errorf("inner transaction: %v", err)
	}
}

// A message that cannot be one, or indices that cannot be, end the connection
// with an error, said once.
func TestBrokenProtocol(t *testing.T) {
	for name, attack := range map[string]func(b *bed){
		"too long": func(b *bed) {
			b.conn.Inject(xswire.Header{Type: abi.XSWatchEvent, Len: abi.XenstorePayloadMax + 1}.Append(nil))
		},
		"longest": func(b *bed) {
			b.conn.Inject(xswire.Header{Type: abi.XSWatchEvent, Len: 1<<32 - 1}.Append(nil))
		},
		"index": func(b *bed) {
			atomic.AddUint32(&b.page.RspProd, 5000)
			b.conn.Kick()
		},
	} {
		b := newBed(t, 0)
		b.store.Reply = func(xswire.Header, []byte) ([]byte, bool) { go attack(b); return nil, true }
		if _, err := b.xs.Read("/k"); !errors.Is(err, xenstore.ErrProtocol) {
			t.Errorf("%s: Read = %v", name, err)
		}
		if err := b.xs.Write("/k", ""); !errors.Is(err, xenstore.ErrProtocol) {
			t.Errorf("%s: Write = %v", name, err)
		}
		if lines := b.guest.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "given up") {
			t.Errorf("%s: printed %q", name, lines)
		}
	}
}
