// Package tty is the terminal that standard input and output are: Xen's console, which is a stream of raw bytes, with
// what people expect of a terminal between it and the program: "\n" written as "\r\n", echo, editing of
// the line, Ctrl-C as a signal and Ctrl-D as the end of the input.
package tty

// Termios is struct termios of Linux, as TCGETS and TCSETS pass it.
// Source: Linux 6.16 include/uapi/asm-generic/termbits.h.
type Termios struct {
	Iflag, Oflag, Cflag, Lflag uint32
	Line                       uint8
	CC                         [19]uint8
}

// Winsize is struct winsize of Linux, as TIOCGWINSZ passes it.
type Winsize struct {
	Row, Col, Xpixel, Ypixel uint16
}

// Bits of Termios.
const (
	iSTRIP = 0x20
	iNLCR  = 0x40
	iGNCR  = 0x80
	iCRNL  = 0x100
	iXON   = 0x400

	oPOST = 0x1
	oNLCR = 0x4

	cB38400 = 0xf
	cS8     = 0x30
	cREAD   = 0x80
	cHUPCL  = 0x400

	lISIG    = 0x1
	lICANON  = 0x2
	lECHO    = 0x8
	lECHOE   = 0x10
	lECHOK   = 0x20
	lECHONL  = 0x40
	lNOFLSH  = 0x80
	lECHOCTL = 0x200
	lECHOKE  = 0x800
	lIEXTEN  = 0x8000
)

// Indices of Termios.CC.
const (
	vINTR   = 0
	vQUIT   = 1
	vERASE  = 2
	vKILL   = 3
	vEOF    = 4
	vTIME   = 5
	vMIN    = 6
	vSUSP   = 10
	vWERASE = 14
	vEOL    = 11
	vLNEXT  = 15
)

// sane is how a terminal starts, after Linux's tty_std_termios.
var sane = Termios{
	Iflag: iCRNL | iXON,
	Oflag: oPOST | oNLCR,
	Cflag: cB38400 | cS8 | cREAD | cHUPCL,
	Lflag: lISIG | lICANON | lECHO | lECHOE | lECHOK | lECHOCTL | lECHOKE | lIEXTEN,
	CC:    [19]uint8{vINTR: 3, vQUIT: 28, vERASE: 127, vKILL: 21, vEOF: 4, vMIN: 1, 8: 17, 9: 19, vSUSP: 26, 12: 18, 13: 15, vWERASE: 23, vLNEXT: 22},
}
