// SPDX-License-Identifier: Apache-2.0

// Asks over HTTP, some times and each on a connection of its own, and prints who answered and who the peer is.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
)

func main() {
	times, err := strconv.Atoi(os.Args[2])
	for i := 0; i < times && err == nil; i++ {
		var peer net.Addr
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err == nil {
				peer = connection.RemoteAddr()
			}
			return connection, err
		}
		client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
		var answer *http.Response
		if answer, err = client.Get(os.Args[1]); err != nil {
			break
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		fmt.Println(string(body), peer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
