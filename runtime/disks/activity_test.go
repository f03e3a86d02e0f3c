package disks

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is read and written is counted, in calls and in sectors.
func TestStatistics(t *testing.T) {
	s := &set{print: func(line string) { t.Error(line) }}
	m := newMemory(1<<16, 512)
	s.add(m)
	defer s.remove(m)
	d := s.disks[0]
	for range 3 {
		_, err := d.write(make([]byte, 2048), 0)
		require.Zero(t, err)
	}
	_, err := d.read(make([]byte, 8192), 512)
	require.Zero(t, err)
	f := strings.Fields(string(s.statistics()))
	require.Len(t, f, 14)
	assert.Equal(t, []string{"202", "0", "xvda", "1", "0", "16"}, f[:6])
	assert.Equal(t, []string{"3", "0", "12"}, f[7:10])
}
