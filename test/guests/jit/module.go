package main

// The module in WebAssembly's binary format
// (https://webassembly.github.io/spec/core/binary):
//
//	(module
//	  (import "host" "next" (func $next (param i32) (result i32)))
//	  (memory 1)
//	  (func (export "fib") (param $n i32) (result i32)
//	    local.get $n  i32.const 2  i32.lt_u
//	    if (result i32)  local.get $n
//	    else
//	      local.get $n  i32.const 1  i32.sub  call $fib
//	      local.get $n  i32.const 2  i32.sub  call $fib
//	      i32.add
//	    end)
//	  (func (export "div") (param i32 i32) (result i32)
//	    local.get 0  local.get 1  i32.div_s)
//	  (func (export "twice") (param i32) (result i32)
//	    local.get 0  call $next  call $next)
//	  (func (export "sum") (param $n i32) (result i32) (local $sum i32)
//	    loop  ;; for the words from n-1 down to 1: store and load the number
//	      local.get $n  i32.const 1  i32.sub  local.set $n
//	      local.get $n  i32.const 4  i32.mul  local.get $n  i32.store
//	      local.get $sum  local.get $n  i32.const 4  i32.mul  i32.load  i32.add  local.set $sum
//	      local.get $n  br_if 0
//	    end
//	    local.get $sum))
var module = concat(
	[]byte("\x00asm\x01\x00\x00\x00"),
	section(1, // types
		3,
		0x60, 1, i32, 1, i32,
		0x60, 2, i32, i32, 1, i32,
		0x60, 0, 0),
	section(2, // imports
		1, 4, 'h', 'o', 's', 't', 4, 'n', 'e', 'x', 't', 0, 0),
	section(3, 4, 0, 1, 0, 0), // types of functions
	section(5, 1, 0, 1),       // memories
	section(7, // exports
		4,
		3, 'f', 'i', 'b', 0, 1,
		3, 'd', 'i', 'v', 0, 2,
		5, 't', 'w', 'i', 'c', 'e', 0, 3,
		3, 's', 'u', 'm', 0, 4),
	section(10, concat( // code
		[]byte{4},
		function(0,
			get, 0, constant, 2, 0x49, 0x04, i32, get, 0, 0x05,
			get, 0, constant, 1, sub, call, 1, get, 0, constant, 2, sub, call, 1, add, end),
		function(0, get, 0, get, 1, 0x6d),
		function(0, get, 0, call, 0, call, 0),
		function(1, 1, i32,
			0x03, 0x40,
			get, 0, constant, 1, sub, set, 0,
			get, 0, constant, 4, mul, get, 0, 0x36, 2, 0,
			get, 1, get, 0, constant, 4, mul, 0x28, 2, 0, add, set, 1,
			get, 0, 0x0d, 0, end,
			get, 1),
	)...),
)

// A value type, and instructions.
const (
	i32      = 0x7f
	end      = 0x0b
	call     = 0x10
	get      = 0x20
	set      = 0x21
	constant = 0x41
	add      = 0x6a
	sub      = 0x6b
	mul      = 0x6c
)

func concat(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// section is one of less than 128 bytes.
func section(id byte, content ...byte) []byte {
	return concat([]byte{id, byte(len(content))}, content)
}

// function is the code of a function: how its locals are declared, and the rest.
func function(content ...byte) []byte {
	content = append(content, end)
	return concat([]byte{byte(len(content))}, content)
}
