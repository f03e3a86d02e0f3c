package netstack

import (
	"errors"
	"sync"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"internal/xengo/drivers/netfront"
)

// A Device sends and receives Ethernet frames. netfront.Device is one.
type Device interface {
	MAC() [6]byte
	MTU() int
	SetReceiver(f func(frame []byte))
	SetRoom(f func())
	Put(frame [][]byte) error
	Kick()
	Done() <-chan struct{}
}

var _ Device = (*netfront.Device)(nil)

// maxWaiting is how many packets may wait for the device to have room: Linux's txqueuelen.
const maxWaiting = 1000

// A link is a device as the stack sees it.
type link struct {
	dev Device
	mac tcpip.LinkAddress

	mu         sync.RWMutex // guards what follows
	mtu        uint32
	dispatcher stack.NetworkDispatcher
	tap        func(frame []byte) bool
	onClose    func()

	send    sync.Mutex // guards what follows
	waiting []*stack.PacketBuffer
}

var _ stack.LinkEndpoint = (*link)(nil)

func newLink(dev Device) *link {
	mac := dev.MAC()
	return &link{dev: dev, mac: tcpip.LinkAddress(mac[:]), mtu: uint32(dev.MTU())}
}

// setTap makes tap see every frame before the stack does. It returns true for those that are not for the stack.
func (l *link) setTap(tap func(frame []byte) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tap = tap
}

// Attach starts the flow of frames.
func (l *link) Attach(d stack.NetworkDispatcher) {
	l.mu.Lock()
	l.dispatcher = d
	l.mu.Unlock()
	if d != nil {
		l.dev.SetRoom(l.flush)
		l.dev.SetReceiver(l.receive)
	}
}

// receive passes a frame to the stack. It does not keep it.
func (l *link) receive(frame []byte) {
	l.mu.RLock()
	d, tap := l.dispatcher, l.tap
	l.mu.RUnlock()
	if d == nil || len(frame) < header.EthernetMinimumSize || tap != nil && tap(frame) {
		return
	}
	eth := header.Ethernet(frame)
	var to tcpip.PacketType
	switch dst := eth.DestinationAddress(); {
	case dst == l.mac:
		to = tcpip.PacketHost
	case dst == header.EthernetBroadcastAddress:
		to = tcpip.PacketBroadcast
	case header.IsMulticastEthernetAddress(dst):
		to = tcpip.PacketMulticast
	default:
		return // a bridge that does not know yet where the address is
	}
	protocol := eth.Type()
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(frame)})
	defer pkt.DecRef()
	if l.ParseHeader(pkt) {
		pkt.PktType = to
		d.DeliverNetworkPacket(protocol, pkt)
	}
}

// WritePackets gives packets to the device, which copies them. What it has no room for waits.
func (l *link) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	l.send.Lock()
	defer l.send.Unlock()
	defer l.dev.Kick()
	for i, pkt := range pkts.AsSlice() {
		if len(l.waiting) == 0 {
			err := l.dev.Put(pkt.AsSlices())
			if err == nil {
				continue
			}
			if !errors.Is(err, netfront.ErrFull) {
				return i, deviceError(err)
			}
		}
		if len(l.waiting) >= maxWaiting {
			return i, &tcpip.ErrNoBufferSpace{}
		}
		l.waiting = append(l.waiting, pkt.IncRef())
	}
	return pkts.Len(), nil
}

func deviceError(err error) tcpip.Error {
	switch {
	case errors.Is(err, netfront.ErrSize):
		return &tcpip.ErrMessageTooLong{}
	case errors.Is(err, netfront.ErrClosed):
		return &tcpip.ErrClosedForSend{}
	}
	return &tcpip.ErrNoBufferSpace{}
}

// flush sends packets that wait. The device calls it when it has room again.
func (l *link) flush() {
	l.send.Lock()
	defer l.send.Unlock()
	defer l.dev.Kick()
	sent := 0
	for _, pkt := range l.waiting {
		if errors.Is(l.dev.Put(pkt.AsSlices()), netfront.ErrFull) {
			break
		}
		// Any other error loses the packet, as a wire might.
		pkt.DecRef()
		sent++
	}
	rest := copy(l.waiting, l.waiting[sent:])
	clear(l.waiting[rest:])
	l.waiting = l.waiting[:rest]
}

// sendFrame sends a frame that the stack has not made. That it may be lost is for its protocol to deal with.
func (l *link) sendFrame(frame []byte) error {
	l.send.Lock()
	defer l.send.Unlock()
	defer l.dev.Kick()
	return l.dev.Put([][]byte{frame})
}

func (l *link) AddHeader(pkt *stack.PacketBuffer) {
	header.Ethernet(pkt.LinkHeader().Push(header.EthernetMinimumSize)).Encode(&header.EthernetFields{
		SrcAddr: pkt.EgressRoute.LocalLinkAddress,
		DstAddr: pkt.EgressRoute.RemoteLinkAddress,
		Type:    pkt.NetworkProtocolNumber,
	})
}

func (l *link) ParseHeader(pkt *stack.PacketBuffer) bool {
	_, ok := pkt.LinkHeader().Consume(header.EthernetMinimumSize)
	return ok
}

func (l *link) MTU() uint32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.mtu
}

func (l *link) SetMTU(mtu uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mtu = min(mtu, uint32(l.dev.MTU()))
}

func (l *link) IsAttached() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.dispatcher != nil
}

func (l *link) SetOnCloseAction(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onClose = f
}

// Close drops what waits.
func (l *link) Close() {
	l.send.Lock()
	for _, pkt := range l.waiting {
		pkt.DecRef()
	}
	l.waiting = nil
	l.send.Unlock()
	l.mu.RLock()
	f := l.onClose
	l.mu.RUnlock()
	if f != nil {
		f()
	}
}

func (l *link) MaxHeaderLength() uint16          { return header.EthernetMinimumSize }
func (l *link) LinkAddress() tcpip.LinkAddress   { return l.mac }
func (l *link) SetLinkAddress(tcpip.LinkAddress) {} // the toolstack's choice
func (l *link) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityResolutionRequired
}
func (l *link) Wait()                                   {}
func (l *link) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareEther }
