package files

import "internal/xengo/runtime/memfs"

// etc is what std and common modules look for in /etc.
var etc = []struct{ path, contents string }{
	{"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
	{"/etc/group", "root:x:0:\nnogroup:x:65534:\n"},
	{"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"},
	{"/etc/os-release", "NAME=\"xengo\"\nID=xengo\nPRETTY_NAME=\"xengo\"\n"},
	{"/etc/protocols", protocols},
	{"/etc/services", services},
	{"/etc/mime.types", mimeTypes},
}

// etcNames are the files of /etc that have the host name.
var etcNames = []memfs.Seed{
	{Name: "hostname", Contents: func() string { return firstName() + "\n" }},
	{Name: "hosts", Contents: func() string {
		return "127.0.0.1\tlocalhost\n127.0.1.1\t" + firstName() + "\n::1\tlocalhost ip6-localhost ip6-loopback\n"
	}},
}

func furnishEtc() {
	for _, f := range etc {
		if err := PutFile(f.path, 0o644, f.contents); err != 0 {
			panic("files: cannot write " + f.path + ": " + err.Error())
		}
	}
	for _, s := range etcNames {
		if err := Plant("/etc", s); err != 0 {
			panic("files: cannot make /etc/" + s.Name + ": " + err.Error())
		}
	}
	makeNode("/etc/mtab", 0o120777, 0, "/proc/mounts")
}

// Source: IANA Protocol Numbers.
const protocols = "ip\t0\tIP\nicmp\t1\tICMP\nigmp\t2\tIGMP\ntcp\t6\tTCP\nudp\t17\tUDP\nipv6\t41\tIPv6\nipv6-icmp\t58\tIPv6-ICMP\n"

// Source: IANA Service Name and Transport Protocol Port Number Registry.
const services = "echo\t7/tcp\necho\t7/udp\ndiscard\t9/tcp\ndiscard\t9/udp\nftp\t21/tcp\nssh\t22/tcp\ntelnet\t23/tcp\nsmtp\t25/tcp\n" +
	"time\t37/tcp\ndomain\t53/tcp\ndomain\t53/udp\nbootps\t67/udp\nbootpc\t68/udp\ntftp\t69/udp\nhttp\t80/tcp\npop3\t110/tcp\n" +
	"ntp\t123/udp\nimap2\t143/tcp\nsnmp\t161/udp\nldap\t389/tcp\nhttps\t443/tcp\nhttps\t443/udp\nsubmissions\t465/tcp\n" +
	"syslog\t514/udp\nsubmission\t587/tcp\nldaps\t636/tcp\ndomain-s\t853/tcp\nimaps\t993/tcp\npop3s\t995/tcp\n" +
	"mysql\t3306/tcp\npostgresql\t5432/tcp\namqp\t5672/tcp\nmqtt\t1883/tcp\n"

// Source: IANA Media Types. Package mime has the commonest ones built in.
const mimeTypes = "application/gzip gz\napplication/json json map\napplication/pdf pdf\napplication/wasm wasm\napplication/zip zip\n" +
	"audio/mpeg mp3\nfont/woff2 woff2\nimage/gif gif\nimage/jpeg jpg jpeg\nimage/png png\nimage/svg+xml svg\nimage/webp webp\n" +
	"text/css css\ntext/csv csv\ntext/html html htm\ntext/javascript js mjs\ntext/markdown md\ntext/plain txt\nvideo/mp4 mp4\n"
