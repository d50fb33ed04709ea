//! Accepting self-signed certificates without giving up the rest of the check.
//!
//! IDM's `acceptSelfSignedCertificates` and `disableHostNameVerifier` are two switches. reqwest's own switch for the
//! first one turns the second off as well, so the first is built here: a certificate that stands alone and that no
//! known authority signed is accepted if it is in its time and carries the right host name.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// A TLS configuration that trusts the system's authorities, those in `own_authorities` (PEM) and self-signed servers.
pub(super) fn accepting_self_signed(own_authorities: &[u8]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in CertificateDer::pem_slice_iter(own_authorities) {
        let certificate = certificate.map_err(|_| "caFile is not a PEM file with certificates".to_owned())?;
        roots.add(certificate).map_err(|e| format!("caFile holds a certificate that cannot be used: {e}"))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let known = if roots.is_empty() {
        None
    } else {
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        Some(verifier.map_err(|e| format!("the trusted authorities cannot be used: {e}"))?)
    };
    let verifier = Arc::new(SelfSignedToo { known, provider: Arc::clone(&provider) });
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
        .map_err(|e| format!("TLS cannot be set up: {e}"))
}

#[derive(Debug)]
struct SelfSignedToo {
    known: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl SelfSignedToo {
    /// The certificate as its own authority: time, key usage and signature are checked as for any other.
    fn by_itself(
        &self,
        end_entity: &CertificateDer<'_>,
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut itself = RootCertStore::empty();
        itself.add(end_entity.clone().into_owned())?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(itself), Arc::clone(&self.provider))
                .build()
                .map_err(|e| Error::General(e.to_string()))?;
        match verifier.verify_server_cert(end_entity, &[], server_name, &[], now) {
            // Tools mark self-signed certificates as authorities by default; the time is checked before this is said.
            Err(Error::InvalidCertificate(CertificateError::Other(cause)))
                if cause.to_string().contains("CaUsedAsEndEntity") =>
            {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }
}

impl ServerCertVerifier for SelfSignedToo {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let known = match &self.known {
            Some(known) => {
                known.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        };
        match known {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_)))
                if intermediates.is_empty() =>
            {
                self.by_itself(end_entity, server_name, now)
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
