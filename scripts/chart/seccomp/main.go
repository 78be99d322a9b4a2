// Prints the seccomp profile that containerd gives a container with the capabilities that are named: Kubernetes' RuntimeDefault.
package main

import (
	"encoding/json"
	"os"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func main() {
	held := &specs.LinuxCapabilities{Bounding: os.Args[1:], Effective: os.Args[1:], Permitted: os.Args[1:]}
	spec := &specs.Spec{Process: &specs.Process{Capabilities: held}, Linux: &specs.Linux{}}
	if err := json.NewEncoder(os.Stdout).Encode(seccomp.DefaultProfile(spec)); err != nil {
		panic(err)
	}
}
