package xenstore

import (
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore/xswire"
)

// receiver is the reading end of one connection.
type receiver struct {
	c    *Client
	page *abi.XenstoreDomainInterface
	port hv.Port
	gen  uint64
	p    parser
	buf  [abi.XenstoreRingSize]byte
}

// run reads messages until the event channel is closed or xenstored
// misbehaves. It never waits for the users of the client.
func (r *receiver) run() {
	for {
		if why := r.drain(); why != "" {
			r.c.breakOff(r.gen, why)
			return
		}
		if !r.c.ev.Wait(r.port) {
			r.c.disconnect(r.gen, ErrDisconnected)
			return
		}
		r.c.mu.Lock()
		r.c.room.Broadcast()
		r.c.mu.Unlock()
	}
}

// drain reads what there is. It returns what xenstored did wrong, if anything.
func (r *receiver) drain() (why string) {
	for {
		n, ok := xswire.Responses(r.page).Read(mem, r.buf[:])
		if !ok {
			return "impossible index in the response ring"
		}
		if n == 0 {
			return ""
		}
		// There may be more, for which there was no room.
		if err := r.c.ev.Notify(r.port); err != nil {
			return "" // the port was closed, as Wait will say
		}
		if !r.p.feed(r.buf[:n], r.c.dispatch) {
			return "a message is too long"
		}
	}
}

// parser puts messages together from the pieces in which they arrive.
type parser struct {
	buf []byte // the beginning of a message
}

// feed takes the next bytes and calls f for every message that is complete;
// the payload is f's own. It reports false, and is not to be used any more, if
// a message is longer than any may be.
func (p *parser) feed(b []byte, f func(h xswire.Header, payload []byte)) bool {
	p.buf = append(p.buf, b...)
	for len(p.buf) >= xswire.HeaderSize {
		h := xswire.ParseHeader(p.buf)
		if h.Len > abi.XenstorePayloadMax {
			return false
		}
		end := xswire.HeaderSize + int(h.Len)
		if len(p.buf) < end {
			break
		}
		f(h, append([]byte(nil), p.buf[xswire.HeaderSize:end]...))
		p.buf = append(p.buf[:0], p.buf[end:]...)
	}
	return true
}

// dispatch delivers a message to the call or the watch it is for. A message
// for nobody is dropped: the call may have been given up, the watch removed.
func (c *Client) dispatch(h xswire.Header, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.Type == abi.XSWatchEvent {
		if path, token, ok := parseEvent(payload); ok {
			if w := c.watches[token]; w != nil {
				w.add(path)
				return
			}
		}
		c.ignored++
		return
	}
	call, ok := c.calls[h.ReqID]
	if !ok {
		c.ignored++
		return
	}
	delete(c.calls, h.ReqID)
	switch h.Type {
	case call.typ:
		call.reply <- answer{payload, nil}
	case abi.XSError:
		call.reply <- answer{nil, hv.ErrnoByName(cString(payload))}
	default:
		call.reply <- answer{nil, ErrProtocol}
	}
}

// parseEvent splits the payload of a watch event, path NUL token NUL.
func parseEvent(b []byte) (path, token string, ok bool) {
	fields := splitNul(b)
	if len(fields) < 2 {
		return "", "", false
	}
	return fields[0], fields[1], true
}

// cString returns b up to the first NUL or its end.
func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// splitNul returns the strings of b, each of which ends in a NUL; what comes
// after the last NUL is not one.
func splitNul(b []byte) []string {
	var list []string
	for begin, i := 0, 0; i < len(b); i++ {
		if b[i] == 0 {
			list = append(list, string(b[begin:i]))
			begin = i + 1
		}
	}
	return list
}
