package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"time"
)

// peerName is the name in both peers' certificates.
const peerName = "peer.test"

// certificates makes what a peer needs to prove that it is one: a certificate
// that both peers can make, for the key is no secret, and the pool to verify it.
func certificates() (tls.Certificate, *x509.CertPool, error) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{42}, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: peerName},
		DNSNames:              []string{peerName},
		NotBefore:             time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool, nil
}

// clientTLS trusts the peer, which may trust it.
func clientTLS() (*tls.Config, error) {
	own, pool, err := certificates()
	return &tls.Config{ServerName: peerName, RootCAs: pool, Certificates: []tls.Certificate{own}}, err
}

// dialTLS connects by TLS and completes the handshake.
func dialTLS(config *tls.Config) (*tls.Conn, error) {
	dialer := &net.Dialer{Timeout: patience}
	return tls.DialWithDialer(dialer, "tcp", at(httpsPort), config)
}

// tls13 speaks TLS 1.3, with certificates of both sides.
func tls13() error {
	config, err := clientTLS()
	if err != nil {
		return err
	}
	c, err := dialTLS(config)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if v := c.ConnectionState().Version; v != tls.VersionTLS13 {
		return fmt.Errorf("speaks %s", tls.VersionName(v))
	}
	if _, err := io.WriteString(c, "GET /who HTTP/1.1\r\nHost: peer\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	if !bytes.HasSuffix(answer, []byte("\r\n\r\n"+peerName)) {
		return fmt.Errorf("the peer does not know this client: %q", answer)
	}
	return nil
}

// tlsStranger does not trust a peer that nobody vouches for.
func tlsStranger() error {
	c, err := dialTLS(&tls.Config{ServerName: peerName, RootCAs: x509.NewCertPool()})
	if err == nil {
		c.Close()
		return errors.New("trusts a stranger")
	}
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		return fmt.Errorf("not for lack of trust: %w", err)
	}
	return nil
}
