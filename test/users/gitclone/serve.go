package main

import (
	"net"
	"net/http"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/server"
)

// serve serves a repository by git's smart HTTP protocol (gitprotocol-http(5)), for fetching, and returns its URL.
func serve(dir string) (string, error) {
	endpoint, err := transport.NewEndpoint("/")
	if err != nil {
		return "", err
	}
	backend := server.NewServer(server.NewFilesystemLoader(osfs.New(dir)))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	// Each request has a session of its own, as the protocol has no state.
	handle := func(pattern string, serve func(transport.UploadPackSession, http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			session, err := backend.NewUploadPackSession(endpoint, nil)
			if err == nil {
				err = serve(session, w, r)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	handle("GET /info/refs", advertise)
	handle("POST /git-upload-pack", upload)
	go http.Serve(l, mux)
	return "http://" + l.Addr().String() + "/", nil
}

func advertise(session transport.UploadPackSession, w http.ResponseWriter, r *http.Request) error {
	refs, err := session.AdvertisedReferencesContext(r.Context())
	if err != nil {
		return err
	}
	refs.Prefix = [][]byte{[]byte("# service=git-upload-pack"), pktline.Flush}
	w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
	return refs.Encode(w)
}

func upload(session transport.UploadPackSession, w http.ResponseWriter, r *http.Request) error {
	req := packp.NewUploadPackRequest()
	if err := req.UploadRequest.Decode(r.Body); err != nil {
		return err
	}
	response, err := session.UploadPack(r.Context(), req)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	return response.Encode(w)
}
