package main

import (
	"fmt"
	"math/rand/v2"
)

// heap is a table of trees, of about a set size in all.
type heap struct {
	trees []*tree
	made  uint64
}

// tree is a binary tree. Each of its nodes knows the tree's number and has a
// payload of some length that is made of it.
type tree struct {
	left, right *tree
	number      uint64
	payload     []uint64
}

const (
	depth     = 4
	nodes     = 1<<(depth+1) - 1
	payload   = 64                       // words of a payload, on average
	treeBytes = nodes * (48 + payload*8) // on average
)

func newHeap(size int) *heap {
	h := &heap{trees: make([]*tree, size/treeBytes)}
	for i := range h.trees {
		h.trees[i] = h.grow()
	}
	return h
}

func (h *heap) grow() *tree {
	h.made++
	return grow(h.made, depth)
}

func grow(number uint64, depth int) *tree {
	t := &tree{number: number, payload: make([]uint64, rand.IntN(2*payload))}
	for i := range t.payload {
		t.payload[i] = number * uint64(i+1)
	}
	if depth > 0 {
		t.left, t.right = grow(number, depth-1), grow(number, depth-1)
	}
	return t
}

// replace checks a tree, replaces it, and moves another.
func (h *heap) replace() error {
	i, j := rand.IntN(len(h.trees)), rand.IntN(len(h.trees))
	old := h.trees[i]
	if err := old.check(old.number, depth); err != nil {
		return err
	}
	h.trees[i] = h.grow()
	h.trees[i], h.trees[j] = h.trees[j], h.trees[i]
	return nil
}

func (h *heap) check() error {
	for _, t := range h.trees {
		if err := t.check(t.number, depth); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) check(number uint64, depth int) error {
	if t == nil {
		return fmt.Errorf("tree %d lost a node at depth %d", number, depth)
	}
	if t.number != number {
		return fmt.Errorf("tree %d has a node of tree %d", number, t.number)
	}
	for i, w := range t.payload {
		if w != number*uint64(i+1) {
			return fmt.Errorf("tree %d: word %d is %#x", number, i, w)
		}
	}
	if depth == 0 {
		return nil
	}
	if err := t.left.check(number, depth-1); err != nil {
		return err
	}
	return t.right.check(number, depth-1)
}
