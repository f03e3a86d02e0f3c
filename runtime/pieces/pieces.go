// Package pieces holds texts that have much in common, such as time zones: each is made of pieces of one string, the
// pool, where nothing of some length is twice.
package pieces

// A Store is some texts. Numbers in it are big-endian.
//
// It begins with the length of the lists of pieces in 3 bytes. The lists follow, and then the pool. A piece is 3 bytes:
// its length in 7 bits and its place in the pool in 17. One of no length ends a list.
type Store string

// Sizes of parts of a Store.
const (
	WordSize  = 3
	placeBits = 17
	MaxPiece  = 1<<7 - 1
	MaxPool   = 1 << placeBits
)

// Word returns a piece.
func Word(length, place int) int { return length<<placeBits | place }

func (s Store) word(at int) int {
	return int(s[at])<<16 | int(s[at+1])<<8 | int(s[at+2])
}

// Text returns the text whose list begins at that offset in the lists.
func (s Store) Text(list int) []byte {
	pool := s[WordSize+s.word(0):]
	var text []byte
	for at := WordSize + list; s.word(at) != 0; at += WordSize {
		piece := s.word(at)
		place := piece % MaxPool
		text = append(text, pool[place:place+piece/MaxPool]...)
	}
	return text
}
