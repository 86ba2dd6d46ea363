//! The whole way through TLS, with an authority of the test's own. Not here: what goes over it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::support::{Gate, Ran, Seen, Server, Setup};

/// A server whose certificate an authority signed that nobody knows, and that authority's
/// certificate in PEM.
fn server() -> (Server, String) {
    server_at(Ipv4Addr::LOCALHOST.into())
}

fn server_at(ip: IpAddr) -> (Server, String) {
    let (authority, pem) = authority();
    let key = KeyPair::generate().expect("a key can be made");
    let names = CertificateParams::new(vec![ip.to_string()]).expect("an address is a name");
    let certificate = names.signed_by(&key, &authority).expect("the authority signs");
    let chain = vec![CertificateDer::from(certificate)];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("ring has the default versions")
    .with_no_client_auth()
    .with_single_cert(chain, key)
    .expect("key and certificate belong together");
    let setup = Setup { tls: Some(Arc::new(config)), ip, ..Setup::default() };
    (Server::with(setup, Seen::good), pem)
}

fn authority() -> (CertifiedIssuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names are no wrong names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key can be made");
    let authority = CertifiedIssuer::self_signed(params, key).expect("an authority signs itself");
    let pem = authority.pem();
    (authority, pem)
}

fn run(gate: &Gate, server: &Server, ca: Option<&str>) -> Ran {
    let ca = ca.map_or_else(String::new, |name| format!(", ca_file: {name}"));
    gate.write(
        "c.yaml",
        &format!(
            "version: 1\ntarget: {{base_url: \"{}\"{ca}}}\nworkloads:\n- {{name: small, requests: 5, output_tokens: 4, prompts: {{synthetic: {{input_tokens: 16}}}}, warmup: 1}}\ngate: {{rounds: 1}}\n",
            server.url()
        ),
    );
    gate.run(&["run", "--config", "c.yaml", "--raw", "raw.jsonl"])
}

#[test]
fn an_authority_from_the_config_is_trusted() {
    let (server, pem) = server();
    let gate = Gate::new();
    gate.write("ca.pem", &pem);
    gate.assert_measured(&run(&gate, &server, Some("ca.pem")));
    assert!(gate.raw().iter().all(|l| l["outcome"] == "completed"), "{:?}", gate.raw());
    assert_eq!(
        gate.round()["client"]["retries"],
        0,
        "session tickets are no sign of a closed connection"
    );
}

#[test]
fn an_ipv6_address_is_named_as_a_certificate_and_a_host_header_name_it() {
    let (server, pem) = server_at(Ipv6Addr::LOCALHOST.into());
    let gate = Gate::new();
    gate.write("ca.pem", &pem);
    gate.assert_measured(&run(&gate, &server, Some("ca.pem")));
    assert!(gate.raw().iter().all(|l| l["outcome"] == "completed"), "{:?}", gate.raw());
    let hosts = server
        .seen()
        .iter()
        .map(|s| s.headers["host"].clone())
        .collect::<std::collections::BTreeSet<_>>();
    assert!(hosts.len() == 1 && hosts.iter().all(|h| h.starts_with("[::1]:")), "{hosts:?}");
}

#[test]
fn any_authority_of_a_bundle_is_trusted() {
    let (server, pem) = server();
    let gate = Gate::new();
    gate.write("ca.pem", &[authority().1, pem].concat());
    gate.assert_measured(&run(&gate, &server, Some("ca.pem")));
}

#[test]
fn an_unknown_authority_is_not_trusted() {
    let (server, _) = server();
    let ran = run(&Gate::new(), &server, None);
    ran.assert_says(3, &["cannot reach https://127.0.0.1", "certificate", "ca_file"]);
    let gate = Gate::new();
    gate.write("other.pem", &authority().1);
    run(&gate, &server, Some("other.pem")).assert_says(3, &["certificate", "ca_file"]);
    assert!(server.seen().is_empty());
}

#[test]
fn a_file_without_authority_is_a_mistake() {
    let (server, _) = server();
    let gate = Gate::new();
    run(&gate, &server, Some("missing.pem")).assert_says(2, &["missing.pem"]);
    gate.write("empty.pem", "nothing here\n");
    run(&gate, &server, Some("empty.pem")).assert_says(3, &["certificate"]);
}

#[test]
fn plain_http_to_a_tls_port_is_told() {
    let (server, _) = server();
    let url = server.url().replace("https", "http");
    Gate::new().measure(&url, &["--requests", "3"]).assert_says(3, &["cannot reach"]);
}

/// Minimal containers have no authorities at all.
#[test]
fn a_machine_without_authorities_can_still_be_used() {
    let bare = || Gate::new().env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/dev/null");
    let plain = Server::good();
    let gate = bare();
    gate.assert_measured(&gate.measure(&plain.url(), &["--requests", "3"]));
    let (server, pem) = server();
    let gate = bare();
    gate.write("ca.pem", &pem);
    gate.assert_measured(&run(&gate, &server, Some("ca.pem")));
    run(&bare(), &server, None).assert_says(3, &["certificate", "ca_file"]);
}
