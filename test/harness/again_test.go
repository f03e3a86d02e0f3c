package harness

import "testing"

func TestAgain(t *testing.T) {
	outer, inner := 0, 0
	Again(t, "outer", func(t *testing.T) {
		outer++
		Again(t, "inner", func(t *testing.T) {
			if inner++; inner < tries {
				t.Run("part", again)
			}
		})
	})
	if outer != 1 || inner != tries {
		t.Errorf("ran %d and %d times, want 1 and %d", outer, inner, tries)
	}
}
