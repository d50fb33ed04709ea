//! The vault and the repository joined: keys and sealed secrets as rows, and what "locked" means to a caller.

use std::sync::{Arc, Mutex, PoisonError};

use engine::{EngineError, stamp};
use model::{Clock, Secret};
use store::{SealedSecret, Store, StoreError, StoredKey};
use vault::{Header, KekStore, KeySource, RecoveryKey, Vault, WrappedBy, WrappedKey};

use crate::{
    ApiError, ErrorCode,
    dto::{VaultState, VaultStatus},
};

const HEADER: &str = "vault_header";
const TABLE: &str = "secret";

enum Slot {
    /// No vault has been made yet.
    New,
    /// No vault could be made, because the keyring did not keep its key, and this is why.
    NotKept(String),
    /// Open.
    Open(Arc<Vault>),
    /// There is one, and this is why it is not open.
    Locked(String),
}

/// The one vault of a data folder.
pub(crate) struct Vaulting {
    store: Store,
    clock: Arc<dyn Clock>,
    keyring: Arc<dyn KekStore>,
    passphrase: Option<Secret>,
    slot: Mutex<Slot>,
}

impl Vaulting {
    /// Reads the vault's rows and opens it with what is at hand. A vault that does not open is locked, not an error.
    pub(crate) async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        keyring: Arc<dyn KekStore>,
        passphrase: Option<Secret>,
    ) -> Result<Self, ApiError> {
        let this = Self { store, clock, keyring, passphrase, slot: Mutex::new(Slot::New) };
        let passphrase = this.passphrase.clone();
        this.try_open(passphrase).await?;
        Ok(this)
    }

    async fn rows(&self) -> Result<Option<(Header, Vec<WrappedKey>)>, ApiError> {
        let (header, keys) = self.store.read(|r| Ok((r.setting(HEADER)?, r.vault_keys()?))).await?;
        let Some(header) = header else { return Ok(None) };
        let header = Header::from_json(&header).map_err(refused)?;
        let keys = keys.iter().filter_map(wrapped_key).collect();
        Ok(Some((header, keys)))
    }

    async fn try_open(&self, passphrase: Option<Secret>) -> Result<(), ApiError> {
        let Some((header, keys)) = self.rows().await? else { return Ok(()) };
        let keyring = Arc::clone(&self.keyring);
        let opened = tokio::task::spawn_blocking(move || match (header.source(), passphrase) {
            // A recovery key is accepted wherever a passphrase is asked for. No passphrase looks like one: four of its
            // symbols are a checksum.
            (_, Some(passphrase)) if RecoveryKey::parse(&passphrase).is_ok() => {
                RecoveryKey::parse(&passphrase)
                    .and_then(|recovery| Vault::unlock_with_recovery(&header, &keys, &recovery))
                    .map_err(|e| e.to_string())
            }
            (KeySource::Keyring, _) => {
                Vault::unlock_with_keyring(&header, &keys, keyring.as_ref()).map_err(|e| e.to_string())
            }
            (KeySource::Passphrase, Some(passphrase)) => {
                Vault::unlock_with_passphrase(&header, &keys, &passphrase).map_err(|e| e.to_string())
            }
            (KeySource::Passphrase, None) => {
                Err("the vault is locked: it is protected by a passphrase".into())
            }
        })
        .await
        .map_err(|e| {
            ApiError::new(ErrorCode::Internal, format!("opening the vault ended unexpectedly: {e}"))
        })?;
        *self.lock() = match opened {
            Ok(vault) => Slot::Open(Arc::new(vault)),
            Err(why) => Slot::Locked(why),
        };
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open vault, made now if there is none yet. Another process may have made it, or changed its keys, since this one
    /// looked.
    pub(crate) async fn vault(&self) -> Result<Arc<Vault>, ApiError> {
        match (self.opened()?, self.rows().await?) {
            (Some(vault), Some((header, keys))) if !vault.is_stored_as(&header, &keys) => {
                if let Some(changed) = vault.changed_to(&header, &keys).map_err(refused)? {
                    return Ok(self.now_open(changed));
                }
            }
            (Some(vault), _) => return Ok(vault),
            (None, Some(_)) => {}
            (None, None) => return self.create(self.passphrase.clone()).await,
        }
        self.try_open(self.passphrase.clone()).await?;
        self.opened()?.ok_or_else(|| locked("the vault is locked"))
    }

    fn now_open(&self, vault: Vault) -> Arc<Vault> {
        let vault = Arc::new(vault);
        *self.lock() = Slot::Open(Arc::clone(&vault));
        vault
    }

    fn opened(&self) -> Result<Option<Arc<Vault>>, ApiError> {
        match &*self.lock() {
            Slot::Open(vault) => Ok(Some(Arc::clone(vault))),
            Slot::Locked(why) => Err(locked(why)),
            Slot::New | Slot::NotKept(_) => Ok(None),
        }
    }

    async fn create(&self, passphrase: Option<Secret>) -> Result<Arc<Vault>, ApiError> {
        let (keyring, by) = (Arc::clone(&self.keyring), passphrase.clone());
        let (vault, _recovery) = tokio::task::spawn_blocking(move || match by {
            Some(passphrase) => Vault::create_with_passphrase(&passphrase),
            None => Vault::create_with_keyring(keyring.as_ref()),
        })
        .await
        .map_err(|e| ApiError::new(ErrorCode::Internal, format!("making the vault ended unexpectedly: {e}")))?
        .map_err(|e| match &e {
            vault::Error::NoKeyring(why) => {
                *self.lock() = Slot::NotKept(why.to_string());
                locked(e.to_string())
            }
            _ => refused(e),
        })?;
        let id = vault.header().vault_id().to_owned();
        let refusal = match self.keep(None, vault, None).await {
            Err(refusal) if refusal.code == ErrorCode::Conflict => refusal,
            kept => return kept,
        };
        // Another process was quicker: what it made is the vault, and the key of this one opens nothing.
        if passphrase.is_none() {
            let keyring = Arc::clone(&self.keyring);
            let _ = tokio::task::spawn_blocking(move || keyring.delete(&id)).await;
        }
        self.try_open(passphrase).await?;
        self.opened()?.ok_or(refusal)
    }

    /// Writes a vault's rows in place of those of the vault that it came of, and every secret where each was sealed anew, and
    /// makes it the one in use. If another process was quicker, nothing is written.
    async fn keep(
        &self,
        was: Option<&Vault>,
        vault: Vault,
        sealed: Option<Vec<SealedSecret>>,
    ) -> Result<Arc<Vault>, ApiError> {
        let busy =
            |what| StoreError::new(store::ErrorKind::Busy, format!("{what} at the same moment; try again"));
        let (was, keys) = (was.map_or_else(Vec::new, stored_keys), stored_keys(&vault));
        let (header, at) = (vault.header().to_json().map_err(refused)?, stamp(self.clock.now()));
        self.store
            .write(move |w| {
                // Each wrapped key is another one whenever it is written: no two vaults share theirs.
                if w.vault_keys()? != was {
                    return Err(busy("another Concord process changed the keys of the vault"));
                }
                w.set_setting(HEADER, &header)?;
                w.replace_vault_keys(&keys, &at)?;
                let Some(sealed) = sealed else { return Ok(()) };
                let there = w.all_secrets()?;
                let next_of = |(old, new): (&SealedSecret, &SealedSecret)| {
                    (&old.owner, &old.field, old.revision + 1) == (&new.owner, &new.field, new.revision)
                };
                if there.len() != sealed.len() || !there.iter().zip(&sealed).all(next_of) {
                    return Err(busy("a secret was changed"));
                }
                sealed.iter().try_for_each(|secret| w.put_secret(secret))
            })
            .await?;
        Ok(self.now_open(vault))
    }

    /// How it stands, without changing anything.
    pub(crate) async fn status(&self) -> Result<VaultStatus, ApiError> {
        let source = self.rows().await?.map(|(header, _)| header.source().as_str().to_owned());
        let (state, message, recovered) = match &*self.lock() {
            Slot::Open(vault) => (VaultState::Unlocked, None, vault.is_opened_by_recovery()),
            Slot::Locked(why) => (VaultState::Locked, Some(why.clone()), false),
            Slot::New => (VaultState::New, None, false),
            Slot::NotKept(why) => (VaultState::NeedsPassphrase, Some(why.clone()), false),
        };
        let (state, message) = match (state, message) {
            (VaultState::New, _) if self.passphrase.is_none() => match self.unreachable_keyring().await {
                Some(why) => (VaultState::NeedsPassphrase, Some(why)),
                None => (VaultState::New, None),
            },
            known => known,
        };
        let message = match state {
            VaultState::NeedsPassphrase => {
                message.map(|why| format!("{why}. Choose a passphrase that protects the secrets instead"))
            }
            _ => message,
        };
        Ok(VaultStatus { state, source, message, recovered })
    }

    /// Why nothing can be read from the keyring, if so. Whether it keeps a key shows only when one is to be kept.
    async fn unreachable_keyring(&self) -> Option<String> {
        let keyring = Arc::clone(&self.keyring);
        let probe = tokio::task::spawn_blocking(move || keyring.load("probe").map(|_| ())).await;
        probe.ok()?.err().map(|why| why.to_string())
    }

    /// Opens the vault with a passphrase, or makes it with one where there is none.
    pub(crate) async fn unlock(&self, passphrase: Secret) -> Result<(), ApiError> {
        if self.rows().await?.is_none() {
            self.create(Some(passphrase)).await?;
            return Ok(());
        }
        // A recovery key is accepted where a passphrase is asked for.
        if let Ok(recovery) = RecoveryKey::parse(&passphrase)
            && let Some((header, keys)) = self.rows().await?
        {
            self.now_open(Vault::unlock_with_recovery(&header, &keys, &recovery).map_err(refused)?);
            return Ok(());
        }
        self.try_open(Some(passphrase)).await?;
        self.opened().map(|_| ())
    }

    /// Protects the vault by another passphrase from now on.
    pub(crate) async fn set_passphrase(&self, passphrase: Secret) -> Result<(), ApiError> {
        let vault = self.vault().await?;
        let was = Arc::clone(&vault);
        let changed = tokio::task::spawn_blocking(move || vault.set_passphrase(&passphrase))
            .await
            .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?
            .map_err(refused)?;
        let id = changed.header().vault_id().to_owned();
        self.keep(Some(&was), changed, None).await?;
        let keyring = Arc::clone(&self.keyring);
        // The keyring's entry opens nothing any more; where there is no keyring, there is no entry.
        let _ = tokio::task::spawn_blocking(move || keyring.delete(&id)).await;
        Ok(())
    }

    /// Protects the vault by a key in the computer's keyring from now on. Where the key is there already, or is the first one,
    /// the keyring is asked once more.
    pub(crate) async fn use_keyring(&self) -> Result<(), ApiError> {
        let locked = matches!(&*self.lock(), Slot::Locked(_));
        match self.rows().await? {
            None => {
                self.create(None).await?;
                return Ok(());
            }
            Some((header, _)) if locked && matches!(header.source(), KeySource::Keyring) => {
                self.try_open(None).await?;
                return self.opened().map(|_| ());
            }
            Some(_) => {}
        }
        let vault = self.vault().await?;
        let (was, keyring) = (Arc::clone(&vault), Arc::clone(&self.keyring));
        let changed = tokio::task::spawn_blocking(move || vault.move_to_keyring(keyring.as_ref()))
            .await
            .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?
            .map_err(|e| ApiError::new(ErrorCode::Invalid, format!("{e}; nothing was changed")))?;
        self.keep(Some(&was), changed, None).await?;
        Ok(())
    }

    /// Seals everything with a fresh data key and forgets the old ones. Gives how many secrets were sealed anew.
    pub(crate) async fn rotate(&self) -> Result<u64, ApiError> {
        let old = self.vault().await?;
        let new = old.rotate().map_err(refused)?;
        let secrets = self.store.read(|r| r.all_secrets()).await?;
        let mut sealed = Vec::with_capacity(secrets.len());
        for secret in secrets {
            let plain = open(&old, &secret)?;
            let revision = secret.revision + 1;
            let bytes = new.seal(&field(&secret.owner, &secret.field, revision), &plain).map_err(refused)?;
            sealed.push(SealedSecret { revision, sealed: bytes, key: new.data_version(), ..secret });
        }
        let count = sealed.len() as u64;
        self.keep(Some(&old), new.forget_old_keys(), Some(sealed)).await?;
        self.store.checkpoint().await?;
        Ok(count)
    }

    /// Makes a new recovery key; the old one opens nothing any more. It is shown once.
    pub(crate) async fn recovery_key(&self) -> Result<Secret, ApiError> {
        let vault = self.vault().await?;
        let (changed, recovery) = vault.replace_recovery_key().map_err(refused)?;
        self.keep(Some(&vault), changed, None).await?;
        Ok(recovery.reveal())
    }

    /// Seals a secret and gives the row to write. The revision is the next one.
    pub(crate) async fn seal(
        &self,
        owner: &str,
        name: &str,
        secret: &Secret,
    ) -> Result<SealedSecret, ApiError> {
        let vault = self.vault().await?;
        let (o, n) = (owner.to_owned(), name.to_owned());
        let revision = 1 + self.store.read(move |r| r.secret_revision(&o, &n)).await?;
        let sealed = vault.seal(&field(owner, name, revision), secret).map_err(refused)?;
        Ok(SealedSecret {
            owner: owner.to_owned(),
            field: name.to_owned(),
            revision,
            sealed,
            key: vault.data_version(),
            updated: stamp(self.clock.now()),
        })
    }

    /// A secret in clear.
    pub(crate) async fn reveal(&self, owner: &str, name: &str) -> Result<Option<Secret>, ApiError> {
        let mut again = true;
        loop {
            let o = owner.to_owned();
            let rows = self.store.read(move |r| r.secrets(&o)).await?;
            let Some(row) = rows.into_iter().find(|r| r.field == name) else { return Ok(None) };
            let vault = self.vault().await?;
            // Where the keys were changed between the two, the row that was read is not there any more.
            if row.key == vault.data_version() || !std::mem::take(&mut again) {
                return open(&vault, &row).map(Some);
            }
        }
    }
}

fn field<'a>(owner: &'a str, name: &'a str, revision: u64) -> vault::Field<'a> {
    vault::Field { table: TABLE, row: owner, field: name, revision }
}

fn open(vault: &Vault, row: &SealedSecret) -> Result<Secret, ApiError> {
    vault.open(&field(&row.owner, &row.field, row.revision), &row.sealed).map_err(refused)
}

fn locked(why: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::Locked, why)
}

fn refused(error: vault::Error) -> ApiError {
    ApiError::new(if error.is_locked() { ErrorCode::Locked } else { ErrorCode::Invalid }, error.to_string())
}

/// In the order in which the repository gives them.
fn stored_keys(vault: &Vault) -> Vec<StoredKey> {
    let mut keys: Vec<StoredKey> = vault.keys().iter().map(stored_key).collect();
    keys.sort_by(|a, b| (a.version, &a.kind).cmp(&(b.version, &b.kind)));
    keys
}

fn stored_key(key: &WrappedKey) -> StoredKey {
    let hex: String = key.wrapped.iter().map(|b| format!("{b:02x}")).collect();
    StoredKey { version: key.version, kind: key.wrapped_by.as_str().to_owned(), wrapped: hex }
}

fn wrapped_key(row: &StoredKey) -> Option<WrappedKey> {
    let digits: Vec<u8> =
        row.wrapped.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let wrapped = digits.chunks_exact(2).map(|p| p.iter().fold(0, |byte, d| byte << 4 | d)).collect();
    Some(WrappedKey { version: row.version, wrapped_by: WrappedBy::parse(&row.kind)?, wrapped })
}

/// A locked vault where the engine asked for a secret.
pub(crate) fn for_engine(error: ApiError) -> EngineError {
    match error.code {
        ErrorCode::Locked => EngineError::Locked(error.message),
        _ => EngineError::Config(error.message),
    }
}

#[cfg(test)]
mod tests {
    use vault::{KeyError, Memory};

    use super::*;

    const PASSPHRASE: &str = "a passphrase for tests";

    async fn open_with(store: &Store, keyring: &Arc<Memory>, passphrase: Option<&str>) -> Vaulting {
        let clock: Arc<dyn Clock> = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
        let passphrase = passphrase.map(Secret::new);
        Vaulting::open(store.clone(), clock, Arc::clone(keyring) as _, passphrase).await.unwrap()
    }

    async fn reads_the_secret(vaulting: &Vaulting) -> bool {
        let secret = vaulting.reveal("connector:hubspot", "accessToken").await;
        secret.is_ok_and(|secret| secret.is_some_and(|secret| secret.expose() == "made-up"))
    }

    /// One that can be asked and gives nothing, but keeps nothing either: locked, with nobody there to unlock it.
    struct Shut(Memory);

    impl KekStore for Shut {
        fn load(&self, vault_id: &str) -> Result<Option<vault::Kek>, KeyError> {
            self.0.load(vault_id)
        }

        fn save(&self, vault_id: &str, kek: &vault::Kek) -> Result<(), KeyError> {
            self.0.save(vault_id, kek)?;
            Err(KeyError::NoAccess("the collection is locked".into()))
        }

        fn delete(&self, vault_id: &str) -> Result<(), KeyError> {
            self.0.delete(vault_id)
        }
    }

    #[tokio::test]
    async fn where_the_keyring_keeps_nothing_a_passphrase_is_asked_for_and_the_keyring_can_be_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
        let shut = Arc::new(Shut(Memory::default()));
        let vaulting = Vaulting::open(store, clock, shut, None).await.unwrap();
        assert_eq!(vaulting.status().await.unwrap().state, VaultState::New, "nothing was to be kept so far");
        let secret = Secret::new("made-up");
        for _ in 0..2 {
            let refusal = vaulting.seal("connector:hubspot", "accessToken", &secret).await.unwrap_err();
            assert_eq!(refusal.code, ErrorCode::Locked);
            let status = vaulting.status().await.unwrap();
            assert_eq!((status.state, status.source), (VaultState::NeedsPassphrase, None));
            assert!(status.message.unwrap().contains("the collection is locked). Choose a passphrase"));
        }
        assert_eq!(vaulting.use_keyring().await.unwrap_err().code, ErrorCode::Locked);
        vaulting.unlock(Secret::new(PASSPHRASE)).await.unwrap();
        let status = vaulting.status().await.unwrap();
        assert_eq!((status.state, status.source.as_deref()), (VaultState::Unlocked, Some("passphrase")));
        vaulting.seal("connector:hubspot", "accessToken", &secret).await.unwrap();
    }

    #[tokio::test]
    async fn a_keyring_that_answers_later_opens_the_vault_without_a_new_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let keyring = Arc::new(Memory::default());
        let dark = |dark: bool| keyring.fail_with(dark.then_some(KeyError::Malformed("it is not there")));
        dark(true);
        let first = open_with(&store, &keyring, None).await;
        assert_eq!(first.status().await.unwrap().state, VaultState::NeedsPassphrase);
        dark(false);
        first.use_keyring().await.unwrap();
        assert_eq!(first.status().await.unwrap().state, VaultState::Unlocked, "made with the keyring");
        dark(true);
        let second = open_with(&store, &keyring, None).await;
        assert_eq!(second.use_keyring().await.unwrap_err().code, ErrorCode::Locked);
        assert_eq!(second.status().await.unwrap().state, VaultState::Locked);
        dark(false);
        second.use_keyring().await.unwrap();
        assert_eq!(second.status().await.unwrap().state, VaultState::Unlocked);
    }

    #[tokio::test]
    async fn a_passphrase_gives_way_to_the_keyring_and_a_recovery_key_puts_the_key_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let keyring = Arc::new(Memory::default());
        let first = open_with(&store, &keyring, Some(PASSPHRASE)).await;
        let sealed = first.seal("connector:hubspot", "accessToken", &Secret::new("made-up")).await.unwrap();
        store.write(move |w| w.put_secret(&sealed)).await.unwrap();
        let recovery = first.recovery_key().await.unwrap();

        // A keyring that does not answer changes nothing.
        keyring.fail_with(Some(KeyError::Malformed("it is not there")));
        let refusal = first.use_keyring().await.unwrap_err();
        assert!(refusal.message.ends_with("nothing was changed"), "{}", refusal.message);
        keyring.fail_with(None);
        assert_eq!(first.status().await.unwrap().source.as_deref(), Some("passphrase"));
        assert!(reads_the_secret(&open_with(&store, &keyring, Some(PASSPHRASE)).await).await);

        first.use_keyring().await.unwrap();
        assert_eq!(first.status().await.unwrap().source.as_deref(), Some("keyring"));
        assert!(reads_the_secret(&first).await);
        assert!(reads_the_secret(&open_with(&store, &keyring, None).await).await, "nothing is asked for");

        // The data folder has come to another computer.
        let other = Arc::new(Memory::default());
        let moved = open_with(&store, &other, Some(PASSPHRASE)).await;
        assert_eq!(moved.status().await.unwrap().state, VaultState::Locked, "the passphrase opens nothing");
        moved.unlock(recovery).await.unwrap();
        assert!(moved.status().await.unwrap().recovered && reads_the_secret(&moved).await);
        assert!(!reads_the_secret(&open_with(&store, &other, None).await).await, "the next start asks again");
        moved.use_keyring().await.unwrap();
        assert!(!moved.status().await.unwrap().recovered);
        assert!(reads_the_secret(&open_with(&store, &other, None).await).await);
    }
}
