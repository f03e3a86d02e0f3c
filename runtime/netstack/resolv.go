package netstack

import (
	"net/netip"
	"slices"
	"strings"
)

// nameServers are the servers and search domains that come from one source.
type nameServers struct {
	source  string
	servers []netip.Addr
	search  []string
}

// AddServers sets the name servers and search domains that source knows.
func (s *Stack) AddServers(source string, servers []netip.Addr, search []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.servers {
		if s.servers[i].source == source {
			s.servers[i].servers, s.servers[i].search = servers, search
			return
		}
	}
	if len(servers) > 0 || len(search) > 0 {
		s.servers = append(s.servers, nameServers{source, servers, search})
	}
}

// RemoveServers forgets those of an interface.
func (s *Stack) RemoveServers(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers = slices.DeleteFunc(s.servers, func(n nameServers) bool {
		return n.source == name || strings.HasPrefix(n.source, name+"/")
	})
}

// maxServers is how many name servers resolvers look at. Source: resolv.conf(5), MAXNS.
const maxServers = 3

// ResolvConf returns the name servers in the format of resolv.conf(5).
func (s *Stack) ResolvConf() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b []byte
	var search []string
	n := 0
	for _, source := range s.servers {
		for _, a := range source.servers {
			if n++; n <= maxServers {
				b = append(b, "nameserver "+a.String()+"\n"...)
			}
		}
		for _, domain := range source.search {
			if isDomain(domain) && !slices.Contains(search, domain) {
				search = append(search, domain)
			}
		}
	}
	if len(search) > 0 {
		b = append(b, "search "+strings.Join(search, " ")+"\n"...)
	}
	return b
}

// isDomain keeps what a server sends from being more than a word.
func isDomain(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '.' || r == '_')
	})
}
