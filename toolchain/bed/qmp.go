package bed

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"
)

// qmp is a connection to QEMU's machine protocol. It is for one goroutine.
type qmp struct {
	conn net.Conn
	r    *json.Decoder
}

// dialQMP connects to the socket that a starting QEMU makes.
func dialQMP(ctx context.Context, path string, dead <-chan struct{}) (*qmp, error) {
	conn, err := dialSoon(ctx, path, dead)
	if err != nil {
		return nil, err
	}
	q := &qmp{conn: conn, r: json.NewDecoder(bufio.NewReader(conn))}
	var greeting struct{ QMP json.RawMessage }
	if err := q.r.Decode(&greeting); err != nil {
		conn.Close()
		return nil, fmt.Errorf("QEMU's greeting: %w", err)
	}
	if err := q.do("qmp_capabilities", nil, nil); err != nil {
		conn.Close()
		return nil, err
	}
	return q, nil
}

// do runs a command and decodes what it returns into result, unless nil.
func (q *qmp) do(command string, args map[string]any, result any) error {
	if args == nil {
		args = map[string]any{}
	}
	if err := json.NewEncoder(q.conn).Encode(map[string]any{"execute": command, "arguments": args}); err != nil {
		return fmt.Errorf("QEMU %s: %w", command, err)
	}
	for {
		var answer struct {
			Event  string
			Return json.RawMessage
			Error  *struct{ Desc string }
		}
		if err := q.r.Decode(&answer); err != nil {
			return fmt.Errorf("QEMU %s: %w", command, err)
		}
		switch {
		case answer.Event != "":
		case answer.Error != nil:
			return fmt.Errorf("QEMU %s: %s", command, answer.Error.Desc)
		case result == nil:
			return nil
		default:
			return json.Unmarshal(answer.Return, result)
		}
	}
}

// waitFor asks a query until its status is want.
func (q *qmp) waitFor(ctx context.Context, query string, want func(status string) (bool, error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var state struct{ Status string }
		if err := q.do(query, nil, &state); err != nil {
			return err
		}
		if ok, err := want(state.Status); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// dialSoon connects to a unix socket that is about to appear.
func dialSoon(ctx context.Context, path string, dead <-chan struct{}) (net.Conn, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.Dial("unix", path)
		if err == nil {
			return conn, nil
		}
		select {
		case <-tick.C:
		case <-dead:
			return nil, fmt.Errorf("QEMU ended")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
