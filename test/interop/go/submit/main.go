// Submits the message on standard input with Go's own net/smtp, as a program written in Go would.
//
//	submit ADDRESS NAME CA implicit|starttls PLAIN|LOGIN USER SECRET FROM TO...
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
)

// LOGIN is not part of net/smtp; programs that need it bring these lines.
type loginAuth struct{ user, secret string }

func (a loginAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errors.New("no TLS")
	}
	return "LOGIN", nil, nil
}

func (a loginAuth) Next(fromServer []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	switch string(fromServer) {
	case "Username:":
		return []byte(a.user), nil
	case "Password:":
		return []byte(a.secret), nil
	}
	return nil, errors.New("unexpected challenge")
}

func submit(address, name, ca, mode, method, user, secret, from string, to []string) error {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	config := &tls.Config{ServerName: name, RootCAs: pool}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	if mode == "implicit" {
		conn = tls.Client(conn, config)
	}
	client, err := smtp.NewClient(conn, name)
	if err != nil {
		return err
	}
	defer client.Close()
	if mode == "starttls" {
		if err := client.StartTLS(config); err != nil {
			return err
		}
	}
	auth := smtp.PlainAuth("", user, secret, name)
	if method == "LOGIN" {
		auth = loginAuth{user, secret}
	}
	if err := client.Auth(auth); err != nil {
		return err
	}
	if err := client.Mail(from); err != nil {
		return err
	}
	for _, one := range to {
		if err := client.Rcpt(one); err != nil {
			return err
		}
	}
	data, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := io.Copy(data, os.Stdin); err != nil {
		return err
	}
	if err := data.Close(); err != nil {
		return err
	}
	return client.Quit()
}

func main() {
	a := os.Args[1:]
	if err := submit(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
