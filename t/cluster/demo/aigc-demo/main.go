// aigc-demo: the demo application as the only program of an image, for t/node.
// It tells what the downward API told it: POD_NAME, POD_NAMESPACE, POD_UID,
// POD_IP, all optional.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ngx-aigc/cluster/demo"
)

func main() {
	image := flag.String("image", os.Getenv("DEMO_IMAGE"), "what it says its image is")
	port := flag.Int("port", 7860, "where it listens")
	disk := flag.String("disk", "/data", "the data disk; a folder below /tmp if there is none")
	crash := flag.String("crash", "", "says that and ends with code 3 at once")
	flag.Parse()
	if *crash != "" {
		fail(3, *crash)
	}

	name := os.Getenv("POD_NAME")
	if name == "" {
		name, _ = os.Hostname()
	}
	dash := strings.LastIndexByte(name, '-')
	id, _ := strconv.Atoi(name[dash+1:])
	if _, err := os.Stat(*disk); err != nil {
		folder, err := os.MkdirTemp("", "disk-")
		if err != nil {
			fail(1, "no data disk: mount one at "+*disk+", or make /tmp writable: "+err.Error())
		}
		*disk = folder
	}
	a := &demo.App{Template: name[:max(dash, 0)], Instance: id, Namespace: os.Getenv("POD_NAMESPACE"), Pod: name,
		UID: os.Getenv("POD_UID"), Image: *image, Boot: time.Now().UTC().Format(time.RFC3339Nano), Exit: os.Exit}
	address := os.Getenv("POD_IP")
	if address == "" {
		address = "0.0.0.0"
	}
	if err := a.Serve(address, []int{*port}, *disk); err != nil {
		fail(1, err.Error())
	}
	fmt.Println("listening on", address, *port)

	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
	a.Close()
}

func fail(code int, message string) {
	fmt.Fprintln(os.Stderr, "aigc-demo:", message)
	os.Exit(code)
}
