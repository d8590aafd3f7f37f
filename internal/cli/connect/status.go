package connect

import (
	"fmt"
	"io"
	"strings"
	"time"

	"chat/daemon/local"
	"chat/internal/cli/output"
)

func WriteStatus(w io.Writer, st local.Status, paths local.Paths) error {
	var b strings.Builder
	switch {
	case !st.Running:
		b.WriteString("not running (chat starts it when needed)\n")
	case st.Healthy:
		fmt.Fprintf(&b, "running as process %d", st.PID)
		if st.Info.InProcess {
			b.WriteString(", inside chat --no-daemon")
		}
		fmt.Fprintf(&b, ", since %s (%s)\n", st.Info.StartedAt.Local().Format(time.DateTime), output.Age(st.Info.StartedAt))
		fmt.Fprintf(&b, "version   %s, protocol %d to %d\n", st.Hello.Version, st.Hello.Protocol.Min, st.Hello.Protocol.Max)
		fmt.Fprintf(&b, "socket    %s\n", st.Info.Socket)
	default:
		fmt.Fprintf(&b, "process %d: %s\n", st.PID, st.Problem)
	}
	fmt.Fprintf(&b, "data      %s\nlog       %s\n", paths.Data, paths.Log())
	_, err := io.WriteString(w, b.String())
	return err
}
