package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// resolver is Go's, asking the peer.
func resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, at(dnsPort))
	}}
}

// found is nil if a lookup found what it should.
func found(what string, got []string, err error, want ...string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s: got %q, want %q", what, got, want)
	}
	return nil
}

func dnsLookups() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r := resolver()
	host, err := r.LookupHost(ctx, "host.test")
	alias, err2 := r.LookupHost(ctx, "alias.test.")
	name, err3 := r.LookupCNAME(ctx, "alias.test.")
	reverse, err4 := r.LookupAddr(ctx, "192.0.2.1")
	mail, err5 := r.LookupMX(ctx, "mail.test.")
	if err5 == nil && (len(mail) != 1 || mail[0].Host != "host.test." || mail[0].Pref != 5) {
		err5 = fmt.Errorf("mail: got %v", mail)
	}
	return errors.Join(err5,
		found("host", host, err, "192.0.2.1", "2001:db8::1"),
		found("alias", alias, err2, "192.0.2.1", "2001:db8::1"),
		found("cname", []string{name}, err3, "host.test."),
		found("reverse", reverse, err4, "host.test."))
}

// dnsTCP asks for more than fits into a datagram: the answer comes by TCP.
func dnsTCP() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	texts, err := resolver().LookupTXT(ctx, "long.test.")
	return found("long", texts, err, longText, longText, longText)
}

func dnsMissing() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := resolver().LookupHost(ctx, "missing.test.")
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound || dns.IsTimeout {
		return fmt.Errorf("not missing: %w", err)
	}
	return says(err, "no such host")
}

func dnsSilent() error {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	_, err := resolver().LookupHost(ctx, "silent.test.")
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsTimeout || dns.IsNotFound {
		return fmt.Errorf("not a timeout: %w", err)
	}
	return nil
}

// systemLookup uses the resolver of /etc/resolv.conf.
func systemLookup() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	got, err := net.DefaultResolver.LookupHost(ctx, systemDNS)
	if err == nil && len(got) == 0 {
		err = errors.New("no address")
	}
	fmt.Println("netpeer:", systemDNS, "is", got)
	return err
}
