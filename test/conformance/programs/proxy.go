// SPDX-License-Identifier: Apache-2.0

// A TCP proxy in front of an echo server, as Go programs are written: io.Copy between two connections, which splices
// inside the kernel. With the argument "copies" the same without splicing. Prints one JSON object for each check.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

var splices = true

type reader struct{ io.Reader }
type writer struct{ io.Writer }

func move(to, from net.Conn) {
	if splices {
		io.Copy(to, from)
	} else {
		io.Copy(writer{to}, reader{from})
	}
	to.(*net.TCPConn).CloseWrite()
}

func serve(each func(net.Conn)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go each(c)
		}
	}()
	return listener.Addr().String()
}

// Sends all and half-closes; what comes back must be the same, then the end.
func exchange(address string, size int) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	sent := bytes.Repeat([]byte("0123456789abcdef!"), size/17+1)[:size]
	go func() {
		c.Write(sent)
		c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err == nil && !bytes.Equal(got, sent) {
		err = fmt.Errorf("%d of %d bytes, or others", len(got), size)
	}
	return err
}

func rounds(address string, count int, pause time.Duration) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, 64)
	for i := 0; i < count; i++ {
		time.Sleep(pause)
		sent := bytes.Repeat([]byte{byte(i)}, 64)
		if _, err := c.Write(sent); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, got); err != nil {
			return fmt.Errorf("round %d: %w", i, err)
		}
		if !bytes.Equal(got, sent) {
			return fmt.Errorf("round %d: other bytes", i)
		}
	}
	return nil
}

func report(check string, err error) {
	line := map[string]any{"check": check, "outcome": "whole"}
	if err != nil {
		line["outcome"], line["bad"] = err.Error(), true
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func main() {
	splices = len(os.Args) < 2 || os.Args[1] != "copies"
	echo := serve(func(c net.Conn) { move(c, c); c.Close() })
	proxy := serve(func(c net.Conn) {
		up, err := net.Dial("tcp", echo)
		if err != nil {
			c.Close()
			return
		}
		go move(up, c)
		move(c, up)
		c.Close()
		up.Close()
	})
	if !splices {
		// It could splice, and so is watched for a second before it is believed.
		report("a slow conversation", rounds(proxy, 30, 50*time.Millisecond))
	}
	for i := 1; i <= 3; i++ {
		report(fmt.Sprintf("100 kB, time %d", i), exchange(proxy, 100_000))
	}
	report("300 rounds", rounds(proxy, 300, 0))
	for _, size := range []int{0, 1, 65_536, 5_000_000} {
		report(fmt.Sprintf("%d bytes", size), exchange(proxy, size))
	}
	report("without the proxy", exchange(echo, 300_000))
	many := make(chan error)
	for i := 0; i < 30; i++ {
		go func() { many <- exchange(proxy, 50_000+i) }()
	}
	var bad error
	for i := 0; i < 30; i++ {
		if err := <-many; err != nil {
			bad = err
		}
	}
	report("30 at once", bad)
}
