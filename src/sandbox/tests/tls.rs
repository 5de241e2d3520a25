//! https as strict callers want it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::*;

fn connect(sandbox: &Sandbox, address: SocketAddr, name: &'static str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(sandbox.ca_file().unwrap()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap()).unwrap();
    StreamOwned::new(session, TcpStream::connect(address).unwrap())
}

fn get(sandbox: &Sandbox, address: SocketAddr, name: &'static str, path: &str) -> std::io::Result<String> {
    let mut stream = connect(sandbox, address, name);
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", address.port()).as_bytes())?;
    let mut out = Vec::new();
    // The server closes the connection without a farewell.
    let _ = stream.read_to_end(&mut out);
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[test]
fn it_serves_all_names_of_loopback_with_a_certificate_that_can_be_checked() {
    let mut sandbox = Sandbox::start(Options { tls: true, ..Options::default() }).unwrap();
    let port: u16 = sandbox.url().strip_prefix("https://localhost:").unwrap().parse().unwrap();
    let path = format!("/{}/v2.0/.well-known/openid-configuration", sandbox.identity().tenant_id);
    let mut addresses = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        addresses.push(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    }
    for address in addresses {
        for name in ["localhost", "127.0.0.1", "::1"] {
            let answer = get(&sandbox, address, name, &path).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(answer.contains(&format!("\"issuer\":\"https://localhost:{port}/")), "{answer}");
        }
        // Under the name of what it stands in for as well, for those whom a proxy leads here; and under no other.
        assert!(get(&sandbox, address, "login.microsoftonline.com", &path).is_ok());
        let other = get(&sandbox, address, "login.example.com", &path);
        assert!(other.unwrap_err().to_string().contains("certificate"));
    }
    // Another sandbox's authority is another one.
    let second = Sandbox::start(Options { tls: true, ..Options::default() }).unwrap();
    assert!(get(&second, SocketAddr::from((Ipv4Addr::LOCALHOST, port)), "localhost", &path).is_err());

    assert!(sandbox.http_url().starts_with("http://127.0.0.1:"));
    let file = sandbox.ca_file().unwrap().to_owned();
    assert!(Path::new(&file).exists());
    sandbox.stop();
    assert!(!Path::new(&file).exists() && !Path::new(&file).parent().unwrap().exists());
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
}

#[test]
fn without_it_there_is_one_address_and_no_file() {
    let sandbox = start();
    assert_eq!((sandbox.http_url(), sandbox.ca_file()), (sandbox.url(), None));
}
