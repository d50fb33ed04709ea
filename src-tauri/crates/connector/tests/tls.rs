//! Which certificates are accepted under which switches.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;

use connector::credentials::memory::MemoryCredentials;
use connector::http::Waiter;
use connector::hubspot::Hubspot;
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use self::support::{Impatient, all, contacts, hubspot_config};

struct Served {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

fn params(host: &str) -> CertificateParams {
    CertificateParams::new(vec![host.to_owned()]).unwrap()
}

fn self_signed(params: CertificateParams) -> Served {
    let key = KeyPair::generate().unwrap();
    Served { chain: vec![params.self_signed(&key).unwrap().der().clone()], key }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issued(authority: &CertifiedIssuer<'static, KeyPair>, host: &str, with_issuer: bool) -> Served {
    let key = KeyPair::generate().unwrap();
    let leaf = params(host).signed_by(&key, authority).unwrap();
    let mut chain = vec![leaf.der().clone()];
    if with_issuer {
        chain.push(authority.der().clone());
    }
    Served { chain, key }
}

/// A server that gives one empty page to everybody who accepts its certificate; gives its port.
async fn serve(served: Served) -> u16 {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(served.key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(served.chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0u8; 4096];
            if stream.read(&mut request).await.is_err() {
                continue;
            }
            // A list as HubSpot gives it, and as SCIM servers do.
            let body = "{\"results\":[{\"id\":\"1\",\"properties\":{}}],\"totalResults\":1,\"Resources\":[{\"id\":\"1\"}]}";
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            // The client may have gone.
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

async fn reaches(port: u16, self_signed: bool, any_host: bool, ca_file: Option<&str>) -> bool {
    let config = hubspot_config(&json!({
        "apiBaseUrl": format!("https://localhost:{port}"), "permitsPerSecond": 1000, "caFile": ca_file,
        "acceptSelfSignedCertificates": self_signed, "disableHostNameVerifier": any_host,
    }));
    let credentials = Arc::new(MemoryCredentials::with_access_token("test-token-1"));
    let waiter: Arc<dyn Waiter> = Arc::new(Impatient::default());
    let hubspot = Hubspot::new(&config, credentials, Arc::new(|| Timestamp::UNIX_EPOCH), waiter).unwrap();
    match all(&hubspot, contacts(&["email"])).await {
        Ok(listed) => listed.objects.len() == 1,
        Err(error) => {
            assert!(error.message.contains("certificate"), "{error}");
            false
        }
    }
}

#[tokio::test]
async fn a_scim_server_with_its_own_certificate_is_reached_by_choice() {
    for (accepted, expect) in [(false, "caFile"), (true, "")] {
        let port = serve(self_signed(params("localhost"))).await;
        let document = json!({
            "connectorRef": {"connectorName": "ScimConnector"},
            "configurationProperties": {
                "SCIMEndpoint": format!("https://localhost:{port}/scim/v2"), "permitsPerSecond": 1000,
                "acceptSelfSignedCertificates": accepted,
            },
        });
        let config = model::ConnectorConfig::parse(&document.to_string(), Some("scim")).unwrap();
        let credentials = Arc::new(MemoryCredentials::new().set("authToken", "test-token-1"));
        let waiter: Arc<dyn Waiter> = Arc::new(Impatient::default());
        let clock = Arc::new(|| Timestamp::UNIX_EPOCH);
        let scim = connector::scim::Scim::new(&config, credentials, clock, waiter).unwrap();
        let search = connector::Search { object_type: "User".into(), ..connector::Search::default() };
        let found = all(&scim, search).await.map(|listed| listed.objects.len());
        assert!(found.as_ref().is_ok_and(|n| *n == 1) == accepted, "{expect}");
        assert!(found.err().map_or(String::new(), |e| e.message).contains(expect));
    }
}

#[tokio::test]
async fn each_switch_opens_its_own_door_only() {
    let folder = tempfile::tempdir().unwrap();
    let own = authority();
    let ca_file = folder.path().join("own.pem");
    std::fs::write(&ca_file, own.pem()).unwrap();
    let ca_file = ca_file.to_str().unwrap();
    let old = || {
        let mut params = params("localhost");
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        params
    };
    let marked_as_authority = || {
        let mut params = params("localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    // Columns: no switch, self-signed accepted, any host name, both, and no switch with the authority as caFile.
    for (name, served, expect) in [
        ("self-signed", self_signed(params("localhost")), [false, true, false, true, false]),
        (
            "self-signed, marked as authority",
            self_signed(marked_as_authority()),
            [false, true, false, true, false],
        ),
        (
            "self-signed for another host",
            self_signed(params("other.example")),
            [false, false, false, true, false],
        ),
        ("self-signed and over", self_signed(old()), [false, false, false, true, false]),
        (
            "by an unknown authority",
            issued(&authority(), "localhost", true),
            [false, false, false, true, false],
        ),
        ("by the own authority", issued(&own, "localhost", false), [false, false, false, true, true]),
        (
            "by the own authority for another host",
            issued(&own, "other.example", false),
            [false, false, false, true, false],
        ),
    ] {
        let port = serve(served).await;
        let found = [
            reaches(port, false, false, None).await,
            reaches(port, true, false, None).await,
            reaches(port, false, true, None).await,
            reaches(port, true, true, None).await,
            reaches(port, false, false, Some(ca_file)).await,
        ];
        assert_eq!(found, expect, "{name}");
    }
    let other_host = serve(issued(&own, "other.example", false)).await;
    assert!(reaches(other_host, false, true, Some(ca_file)).await, "the own authority, any host name");
    let by_own = serve(issued(&own, "localhost", false)).await;
    assert!(
        reaches(by_own, true, false, Some(ca_file)).await,
        "the own authority, self-signed accepted as well"
    );
}
