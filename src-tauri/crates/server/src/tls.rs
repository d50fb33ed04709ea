//! The server's certificate and its key, from PEM files.

use std::{path::Path, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// A certificate chain with its private key, ready to be used.
#[derive(Clone)]
pub struct Certificate {
    pub(crate) config: Arc<ServerConfig>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate's file.
    #[error(
        "the certificate file {file} cannot be used ({why}); it must hold a PEM certificate chain, the server's own first"
    )]
    Chain {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The key's file.
    #[error(
        "the key file {file} cannot be used ({why}); it must hold one PEM private key without a passphrase"
    )]
    Key {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The two do not fit.
    #[error("the certificate and its key cannot be used together ({0})")]
    Pair(String),
}

impl Certificate {
    /// Reads both files.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let wrong_chain = |why: String| CertificateError::Chain { file: chain.display().to_string(), why };
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect)
            .map_err(|error| wrong_chain(error.to_string()))?;
        if certificates.is_empty() {
            return Err(wrong_chain("there is no certificate in it".into()));
        }
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| CertificateError::Key {
            file: key.display().to_string(),
            why: error.to_string(),
        })?;
        let pair = |error: rustls::Error| CertificateError::Pair(error.to_string());
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(pair)?
                .with_no_client_auth()
                .with_single_cert(certificates, private)
                .map_err(pair)?;
        Ok(Self { config: Arc::new(config) })
    }
}
