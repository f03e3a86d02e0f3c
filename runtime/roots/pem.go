package roots

// Source: RFC 7468, sections 2 and 3.
const (
	begin   = "-----BEGIN CERTIFICATE-----\n"
	end     = "-----END CERTIFICATE-----\n"
	perLine = 48 // bytes, of which 64 characters are made
)

// encode returns certificates in PEM. der has them one after the other in DER, each of 256 bytes to 64 KiB.
func encode(der []byte) []byte {
	out := make([]byte, 0, len(der)+len(der)/2)
	for len(der) > 0 {
		size := 4 + int(der[2])<<8 + int(der[3]) // of a SEQUENCE whose length is in 2 bytes
		out = append(out, begin...)
		for cert := der[:size]; len(cert) > 0; {
			n := min(perLine, len(cert))
			out = append(appendBase64(out, cert[:n]), '\n')
			cert = cert[n:]
		}
		out = append(out, end...)
		der = der[size:]
	}
	return out
}

// appendBase64 appends s in the encoding of RFC 4648, section 4.
func appendBase64(out, s []byte) []byte {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for ; len(s) >= 3; s = s[3:] {
		out = append(out, digits[s[0]>>2], digits[s[0]<<4&63|s[1]>>4], digits[s[1]<<2&63|s[2]>>6], digits[s[2]&63])
	}
	switch len(s) {
	case 1:
		out = append(out, digits[s[0]>>2], digits[s[0]<<4&63], '=', '=')
	case 2:
		out = append(out, digits[s[0]>>2], digits[s[0]<<4&63|s[1]>>4], digits[s[1]<<2&63], '=')
	}
	return out
}
