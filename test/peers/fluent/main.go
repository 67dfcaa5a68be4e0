// The client of IBM's fluent-forward-go sends to ADDRESS with a shared key and waits for each acknowledgement, in each of the
// protocol's modes: main ADDRESS KEY COUNT.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/IBM/fluent-forward-go/fluent/client"
	"github.com/IBM/fluent-forward-go/fluent/protocol"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	count, err := strconv.Atoi(os.Args[3])
	fail(err)
	c := client.New(client.ConnectionOptions{
		Factory:    &client.ConnFactory{Network: "tcp", Address: os.Args[1]},
		RequireAck: true,
		AuthInfo:   client.AuthInfo{SharedKey: []byte(os.Args[2])},
	})
	c.Hostname = "go-client"
	c.Timeout = 20 * time.Second
	fail(c.Connect())
	fail(c.Handshake())
	for i := 0; i < count; i++ {
		record := map[string]interface{}{"n": i, "text": "grüß", "ratio": 1.5, "big": uint64(18446744073709551615)}
		entries := protocol.EntryList{{Timestamp: protocol.EventTimeNow(), Record: record}}
		switch i % 5 {
		case 0:
			fail(c.SendMessage("go.message", record))
		case 1:
			fail(c.SendMessageExt("go.message", record))
		case 2:
			fail(c.SendForward("go.forward", entries))
		case 3:
			fail(c.SendPacked("go.packed", entries))
		case 4:
			fail(c.SendCompressed("go.compressed", entries))
		}
	}
	fail(c.Disconnect())
	fmt.Println(count)
}
