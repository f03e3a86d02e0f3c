package bed

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What xl 4.20 says while a guest runs, reboots and powers off.
const xlMessages = `Parsing config from /run/guests/x/cfg
Waiting for domain x (domid 5) to die [pid 321]
Domain 5 has shut down, reason code 1 0x1
Action for shutdown reason code 1 is restart
Domain 5 needs to be cleaned up: destroying the domain
Done. Rebooting now
Waiting for domain x (domid 6) to die [pid 321]
Domain 6 has shut down, reason code 3 0x3
Action for shutdown reason code 3 is preserve
Done. Exiting now
`

func TestXLEvents(t *testing.T) {
	reboots := 0
	e := newXLEvents(func() { reboots++ })
	var domids []int
	var reasons []Reason
	for _, c := range []byte(xlMessages) {
		_, err := e.Write([]byte{c}) // as torn as it gets
		require.NoError(t, err)
		if c == '\n' {
			domid, reason := e.state()
			domids, reasons = append(domids, domid), append(reasons, reason)
		}
	}
	require.Equal(t, []int{-1, 5, 5, 5, 5, 5, 6, 6, 6, 6}, domids)
	require.Equal(t, Reboot, reasons[2])
	require.Equal(t, Destroyed, reasons[6], "a new life")
	require.Equal(t, Crash, reasons[9])
	require.Equal(t, xlMessages, e.log())
	<-e.created
	require.Equal(t, 1, reboots)
}

func TestTranscript(t *testing.T) {
	g := Guest{output: newTranscript()}
	early := g.Console()
	read := make(chan string)
	go func() {
		b, err := io.ReadAll(early)
		if err != nil {
			t.Error(err)
		}
		read <- string(b)
	}()
	g.output.Write([]byte("a\r\n"))
	time.Sleep(10 * time.Millisecond)
	g.output.Write([]byte("b"))
	require.Equal(t, "a\nb", g.Transcript())
	g.output.end()
	require.Equal(t, "a\r\nb", <-read)
	late, err := io.ReadAll(g.Console())
	require.NoError(t, err)
	require.Equal(t, "a\r\nb", string(late))
}

func TestAddresses(t *testing.T) {
	seen := make(map[string]bool)
	for n := 1; n <= 198; n++ {
		g := Guest{number: n}
		require.False(t, seen[g.IP()])
		seen[g.IP()] = true
	}
	require.Equal(t, "10.0.0.2", (&Guest{number: 199}).IP(), "they begin again")
	require.Equal(t, "10.0.0.199", (&Guest{number: 198}).IP())
	require.Equal(t, "mac=00:16:3e:00:01:00,bridge=xenbr0,ip=10.0.0.59 fd00:7865:6e::3b", (&Guest{number: 256}).vif())
}
