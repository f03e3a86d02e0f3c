package goroot

import (
	"fmt"

	"internal/xengo/runtime/pieces"
)

// minPiece is the length from which on it pays to look for a piece in the pool:
// to begin another takes up to two words.
const minPiece = 10

// A packer makes a pieces.Store.
type packer struct {
	lists, pool []byte
	places      map[string][]int // where in pool each minPiece bytes are
	known       int              // where in pool those begin that are not in places
}

// add puts a text into the store and returns where its list of pieces begins.
func (p *packer) add(text string) (list int) {
	list = len(p.lists)
	fresh := 0 // where what is not in the pool begins
	for at := 0; at < len(text); {
		if length, place := p.find(text[at:]); length > 0 {
			p.literal(text[fresh:at])
			p.word(length, place)
			at += length
			fresh = at
		} else if at++; at-fresh == pieces.MaxPiece {
			p.literal(text[fresh:at]) // what follows may be like it
			fresh = at
		}
	}
	p.literal(text[fresh:])
	p.word(0, 0)
	return list
}

// find returns the longest piece of the pool that text begins with.
func (p *packer) find(text string) (length, place int) {
	if len(text) < minPiece {
		return 0, 0
	}
	for _, at := range p.places[text[:minPiece]] {
		n := minPiece
		for n < min(len(text), len(p.pool)-at, pieces.MaxPiece) && text[n] == p.pool[at+n] {
			n++
		}
		if n > length {
			length, place = n, at
		}
	}
	return length, place
}

// literal puts text, of at most pieces.MaxPiece bytes, into the pool and adds it
// to the list.
func (p *packer) literal(text string) {
	if p.places == nil {
		p.places = map[string][]int{}
	}
	if text == "" {
		return
	}
	p.word(len(text), len(p.pool))
	p.pool = append(p.pool, text...)
	for ; p.known+minPiece <= len(p.pool); p.known++ {
		key := string(p.pool[p.known : p.known+minPiece])
		p.places[key] = append(p.places[key], p.known)
	}
}

func (p *packer) word(length, place int) {
	p.lists = appendWord(p.lists, pieces.Word(length, place))
}

func appendWord(b []byte, v int) []byte { return append(b, byte(v>>16), byte(v>>8), byte(v)) }

// store returns the store.
func (p *packer) store() (string, error) {
	if len(p.pool) > pieces.MaxPool || len(p.lists) >= 1<<(8*pieces.WordSize) {
		return "", fmt.Errorf("%d bytes of text in %d bytes of lists do not fit", len(p.pool), len(p.lists))
	}
	return string(appendWord(nil, len(p.lists))) + string(p.lists) + string(p.pool), nil
}
