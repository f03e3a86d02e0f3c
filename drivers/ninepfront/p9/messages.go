package p9

// New returns an empty message of a type, nil for one that is not known here.
func New(typ uint8) Message {
	for _, m := range []Message{
		new(Rlerror), new(Tstatfs), new(Rstatfs), new(Tlopen), new(Rlopen), new(Tlcreate), new(Rlcreate), new(Tsymlink), new(Rsymlink),
		new(Tmknod), new(Rmknod), new(Trename), new(Rrename), new(Treadlink), new(Rreadlink), new(Tgetattr), new(Rgetattr),
		new(Tsetattr), new(Rsetattr), new(Txattrwalk), new(Rxattrwalk), new(Txattrcreate), new(Rxattrcreate),
		new(Treaddir), new(Rreaddir), new(Tfsync), new(Rfsync), new(Tlock), new(Rlock), new(Tgetlock), new(Rgetlock),
		new(Tlink), new(Rlink), new(Tmkdir), new(Rmkdir), new(Trenameat), new(Rrenameat), new(Tunlinkat), new(Runlinkat),
		new(Tversion), new(Rversion), new(Tauth), new(Rauth), new(Tattach), new(Rattach), new(Rerror), new(Tflush), new(Rflush),
		new(Twalk), new(Rwalk), new(Topen), new(Ropen), new(Tcreate), new(Rcreate), new(Tread), new(Rread), new(Twrite), new(Rwrite),
		new(Tclunk), new(Rclunk), new(Tremove), new(Rremove), new(Tstat), new(Rstat),
	} {
		if m.Type() == typ {
			return m
		}
	}
	return nil
}
