// SPDX-License-Identifier: Apache-2.0

// One of several processes that serve HTTP on one port, each with a listener of its own: shared_port ADDRESS.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
)

const soReusePort = 15

func main() {
	config := net.ListenConfig{Control: func(_, _ string, socket syscall.RawConn) error {
		var failed error
		err := socket.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, soReusePort, 1)
		})
		if err != nil {
			return err
		}
		return failed
	}}
	listener, err := config.Listen(context.Background(), "tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	me := fmt.Sprint(os.Getpid())
	fmt.Fprintln(os.Stderr, http.Serve(listener, http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(answer, me)
	})))
	os.Exit(1)
}
