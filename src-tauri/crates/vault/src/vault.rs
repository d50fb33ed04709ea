//! The open vault: seals and opens values, and changes what protects it.

use std::collections::BTreeMap;
use std::fmt;

use crate::aead::{Aad, FORMAT, Field, Key, fill_random};
use crate::header::{KdfAlgorithm, PassphraseKdf};
use crate::passphrase::check_length;
use crate::{
    Error, Header, Kdf, Kek, KekStore, KeyError, KeySource, RecoveryKey, Result, Secret, WrappedBy,
    WrappedKey,
};

const SALT_BYTES: usize = 16;
/// In front of a sealed value: the format and the data key's version.
const PREFIX_BYTES: usize = 5;

/// An unlocked vault. Dropping it locks it.
///
/// Seal and open go through `&self` and may run on several threads. The methods that change keys return a new vault:
/// commit its [`Vault::header`] and [`Vault::keys`] in place of all earlier ones in one transaction, then use it.
#[derive(Clone)]
pub struct Vault {
    header: Header,
    rows: Vec<WrappedKey>,
    root: Key,
    data: BTreeMap<u32, Key>,
    /// What opens it in daily use; not known where the recovery key opened it.
    kek: Option<Kek>,
}

impl Vault {
    /// A new vault whose key is kept in `store`. The store is asked for the key again before it is relied on.
    pub fn create_with_keyring(store: &dyn KekStore) -> Result<(Self, RecoveryKey)> {
        let vault_id = uuid::Uuid::new_v4().to_string();
        let kek = keep_new_kek(&vault_id, store)?;
        Self::create(vault_id, KeySource::Keyring, None, &kek)
    }

    /// A new vault behind a passphrase of at least [`crate::MIN_PASSPHRASE_CHARS`] characters.
    pub fn create_with_passphrase(passphrase: &Secret) -> Result<(Self, RecoveryKey)> {
        Self::create_with_passphrase_at_cost(passphrase, Kdf::default())
    }

    /// As [`Vault::create_with_passphrase`], with another cost than the default; [`Kdf::MINIMUM`] is the least.
    pub fn create_with_passphrase_at_cost(passphrase: &Secret, cost: Kdf) -> Result<(Self, RecoveryKey)> {
        let (kdf, kek) = new_passphrase(passphrase, cost)?;
        Self::create(uuid::Uuid::new_v4().to_string(), KeySource::Passphrase, Some(kdf), &kek)
    }

    fn create(
        vault_id: String,
        source: KeySource,
        kdf: Option<PassphraseKdf>,
        kek: &Kek,
    ) -> Result<(Self, RecoveryKey)> {
        let (root_version, data_version) = (1, 1);
        let header = Header {
            format: FORMAT.into(),
            vault_id,
            source,
            kdf,
            root_version,
            data_version,
            mac: Vec::new(),
        };
        let mut vault = Self {
            header,
            rows: Vec::new(),
            root: Key::random()?,
            data: BTreeMap::from([(data_version, Key::random()?)]),
            kek: Some(kek.clone()),
        };
        let recovery = RecoveryKey::random()?;
        vault.wrap_root(source.wraps_as(), kek)?;
        vault.wrap_root(WrappedBy::Recovery, &recovery.kek(&vault.header.vault_id))?;
        vault.wrap_data_keys()?;
        vault.header.sign(&vault.root);
        Ok((vault, recovery))
    }

    /// Opens a vault whose key is in `store`.
    ///
    /// # Errors
    /// [`Error::KeyringUnreadable`], [`Error::KeyMissing`] or [`Error::WrongKey`] mean *locked*: nothing is created.
    pub fn unlock_with_keyring(header: &Header, keys: &[WrappedKey], store: &dyn KekStore) -> Result<Self> {
        expect_source(header, KeySource::Keyring)?;
        let kek = load_kek(&header.vault_id, store)?;
        Self::unlock(header, keys, WrappedBy::Keyring, &kek)
    }

    /// Opens a vault with its passphrase. Takes as long as the key derivation does: not for a thread that must not wait.
    pub fn unlock_with_passphrase(header: &Header, keys: &[WrappedKey], passphrase: &Secret) -> Result<Self> {
        expect_source(header, KeySource::Passphrase)?;
        let Some(kdf) = &header.kdf else {
            return Err(Error::MalformedHeader { why: "it has no key derivation parameters".into() });
        };
        let kek = kdf.cost.derive(passphrase, &kdf.salt)?;
        Self::unlock(header, keys, WrappedBy::Passphrase, &kek)
    }

    /// Opens a vault with its recovery key, whatever protects it otherwise. Follow it with [`Vault::set_passphrase`] or
    /// [`Vault::move_to_keyring`], so that the next start needs no recovery key.
    pub fn unlock_with_recovery(
        header: &Header,
        keys: &[WrappedKey],
        recovery: &RecoveryKey,
    ) -> Result<Self> {
        Self::unlock(header, keys, WrappedBy::Recovery, &recovery.kek(&header.vault_id))
    }

    fn unlock(header: &Header, keys: &[WrappedKey], by: WrappedBy, kek: &Kek) -> Result<Self> {
        let root_row = keys
            .iter()
            .find(|row| row.wrapped_by == by && row.version == header.root_version)
            .ok_or_else(|| Error::RowMissing { what: format!("root key wrapped by {}", by.as_str()) })?;
        let root = unwrap(header, root_row, &kek.0)?.ok_or(Error::WrongKey(by))?;
        let daily = by == header.source.wraps_as();
        Self::with_root(header, keys, root, daily.then(|| kek.clone()))
    }

    fn with_root(header: &Header, keys: &[WrappedKey], root: Key, kek: Option<Kek>) -> Result<Self> {
        header.verify(&root)?;
        let mut data = BTreeMap::new();
        for row in keys.iter().filter(|row| row.wrapped_by == WrappedBy::Root) {
            let key = unwrap(header, row, &root)?
                .ok_or_else(|| Error::Tampered { field: format!("the vault's data key {}", row.version) })?;
            data.insert(row.version, key);
        }
        if !data.contains_key(&header.data_version) {
            return Err(Error::RowMissing { what: format!("data key {}", header.data_version) });
        }
        Ok(Self { header: header.clone(), rows: keys.to_vec(), root, data, kek })
    }

    /// This vault as another process has changed it since: with other data keys, another recovery key, behind another
    /// passphrase. `None` where only that passphrase, or what else protects it now, opens it.
    pub fn changed_to(&self, header: &Header, keys: &[WrappedKey]) -> Result<Option<Self>> {
        let same_root =
            header.vault_id == self.header.vault_id && header.root_version == self.header.root_version;
        let same_source = header.source == self.header.source && header.kdf == self.header.kdf;
        let kek = self.kek.clone().filter(|_| same_source);
        if same_root {
            return Self::with_root(header, keys, self.root.clone(), kek).map(Some);
        }
        let Some(kek) = kek else { return Ok(None) };
        match Self::unlock(header, keys, header.source.wraps_as(), &kek) {
            Err(Error::WrongKey(_)) => Ok(None),
            changed => changed.map(Some),
        }
    }

    /// Whether these are its header and its keys, in whatever order.
    pub fn is_stored_as(&self, header: &Header, keys: &[WrappedKey]) -> bool {
        self.header == *header
            && self.rows.len() == keys.len()
            && keys.iter().all(|key| self.rows.contains(key))
    }

    /// The version of the data key that seals.
    pub fn data_version(&self) -> u32 {
        self.header.data_version
    }

    /// What to store about this vault.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Every wrapped key of this vault: what the table `vault_key` holds, no more and no less.
    pub fn keys(&self) -> &[WrappedKey] {
        &self.rows
    }

    /// Encrypts `secret` for one place. Only the same place, revision included, opens it.
    pub fn seal(&self, field: &Field<'_>, secret: &Secret) -> Result<Vec<u8>> {
        let version = self.header.data_version;
        let key = self.data.get(&version).ok_or(Error::Crypto("encryption"))?;
        let sealed = key.encrypt(self.field_aad(field, version).as_slice(), secret.expose().as_bytes())?;
        let mut out = Vec::with_capacity(PREFIX_BYTES + sealed.len());
        out.push(FORMAT);
        out.extend_from_slice(&version.to_be_bytes());
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Decrypts what [`Vault::seal`] gave for the same `field`.
    ///
    /// # Errors
    /// [`Error::Tampered`] for anything else: another place or revision, an altered bit, a key that is not there.
    pub fn open(&self, field: &Field<'_>, sealed: &[u8]) -> Result<Secret> {
        let tampered = || Error::Tampered { field: field.to_string() };
        let version = sealed_with(sealed).ok_or_else(tampered)??;
        let key = self.data.get(&version).ok_or_else(tampered)?;
        let body = sealed.get(PREFIX_BYTES..).ok_or_else(tampered)?;
        let plain = key.decrypt(self.field_aad(field, version).as_slice(), body).ok_or_else(tampered)?;
        std::str::from_utf8(&plain).map(Secret::new).map_err(|_| tampered())
    }

    /// Whether a value is sealed with an older data key, so that sealing it again would complete a rotation.
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        !matches!(sealed_with(sealed), Some(Ok(version)) if version == self.header.data_version)
    }

    /// A new data key for everything sealed from now on; what is sealed already still opens.
    pub fn rotate(&self) -> Result<Self> {
        let mut next = self.clone();
        next.header.data_version += 1;
        next.data.insert(next.header.data_version, Key::random()?);
        next.wrap_data_keys()?;
        next.header.sign(&next.root);
        Ok(next)
    }

    /// Drops every data key but the newest. Values for which [`Vault::is_outdated`] holds are lost: seal them again first.
    pub fn forget_old_keys(&self) -> Self {
        let mut next = self.clone();
        let newest = next.header.data_version;
        next.data.retain(|version, _| *version == newest);
        next.rows.retain(|row| row.wrapped_by != WrappedBy::Root || row.version == newest);
        next
    }

    /// Protects the vault with a passphrase from now on, in place of the keyring or an earlier passphrase. Once the rows
    /// are committed, the keyring's entry is of no use and may be deleted.
    pub fn set_passphrase(&self, passphrase: &Secret) -> Result<Self> {
        self.set_passphrase_at_cost(passphrase, Kdf::default())
    }

    /// As [`Vault::set_passphrase`], with another cost than the default; [`Kdf::MINIMUM`] is the least.
    pub fn set_passphrase_at_cost(&self, passphrase: &Secret, cost: Kdf) -> Result<Self> {
        let (kdf, kek) = new_passphrase(passphrase, cost)?;
        self.protect_by(KeySource::Passphrase, Some(kdf), &kek)
    }

    /// Protects the vault with a key in `store` from now on. A key there that opens this vault already is kept, so that
    /// nothing is lost if the rows are not committed.
    pub fn move_to_keyring(&self, store: &dyn KekStore) -> Result<Self> {
        let kept = store.load(&self.header.vault_id).map_err(Error::NoKeyring)?;
        let kek = match kept.filter(|kek| self.is_opened_by(kek)) {
            Some(kek) => kek,
            None => keep_new_kek(&self.header.vault_id, store)?,
        };
        self.protect_by(KeySource::Keyring, None, &kek)
    }

    /// Whether it was opened with its recovery key, and what protects it in daily use is not known.
    pub fn is_opened_by_recovery(&self) -> bool {
        self.kek.as_ref().is_none_or(|kek| !self.is_opened_by(kek))
    }

    /// A new recovery key. The root key is replaced with it, so the old recovery key opens nothing that is written from
    /// now on, not even together with an old copy of the database.
    ///
    /// # Errors
    /// [`Error::OpenedByRecovery`] where what protects the vault in daily use is not known, so that the new root key could not
    /// be put behind it.
    pub fn replace_recovery_key(&self) -> Result<(Self, RecoveryKey)> {
        let kek = self.kek.as_ref().filter(|kek| self.is_opened_by(kek)).ok_or(Error::OpenedByRecovery)?;
        let recovery = RecoveryKey::random()?;
        let mut next = self.clone();
        next.header.root_version += 1;
        next.root = Key::random()?;
        next.rows.clear();
        next.wrap_root(next.header.source.wraps_as(), kek)?;
        next.wrap_root(WrappedBy::Recovery, &recovery.kek(&next.header.vault_id))?;
        next.wrap_data_keys()?;
        next.header.sign(&next.root);
        Ok((next, recovery))
    }

    fn protect_by(&self, source: KeySource, kdf: Option<PassphraseKdf>, kek: &Kek) -> Result<Self> {
        let mut next = self.clone();
        next.header.source = source;
        next.header.kdf = kdf;
        next.kek = Some(kek.clone());
        next.rows.retain(|row| !matches!(row.wrapped_by, WrappedBy::Keyring | WrappedBy::Passphrase));
        next.wrap_root(source.wraps_as(), kek)?;
        next.header.sign(&next.root);
        Ok(next)
    }

    fn is_opened_by(&self, kek: &Kek) -> bool {
        let by = self.header.source.wraps_as();
        let row =
            self.rows.iter().find(|row| row.wrapped_by == by && row.version == self.header.root_version);
        let root = row.and_then(|row| unwrap(&self.header, row, &kek.0).ok().flatten());
        root.is_some_and(|root| root.same_as(&self.root))
    }

    fn wrap_root(&mut self, by: WrappedBy, kek: &Kek) -> Result<()> {
        let version = self.header.root_version;
        self.rows.push(wrap(&self.header, by, version, &kek.0, &self.root)?);
        Ok(())
    }

    /// Adds a row for every data key that has none.
    fn wrap_data_keys(&mut self) -> Result<()> {
        for (version, key) in &self.data {
            let there =
                self.rows.iter().any(|row| row.wrapped_by == WrappedBy::Root && row.version == *version);
            if !there {
                self.rows.push(wrap(&self.header, WrappedBy::Root, *version, &self.root, key)?);
            }
        }
        Ok(())
    }

    fn field_aad(&self, field: &Field<'_>, version: u32) -> Aad {
        Aad::new("vault field")
            .text(&self.header.vault_id)
            .number(version.into())
            .text(field.table)
            .text(field.row)
            .text(field.field)
            .number(field.revision)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("vault_id", &self.header.vault_id)
            .field("source", &self.header.source)
            .finish_non_exhaustive()
    }
}

/// The data key's version of a sealed value; `None` when it is too short to have one.
fn sealed_with(sealed: &[u8]) -> Option<Result<u32>> {
    let (format, rest) = sealed.split_first()?;
    if *format != FORMAT {
        return Some(Err(Error::UnknownFormat { what: "a sealed value", found: u32::from(*format) }));
    }
    rest.first_chunk().map(|version| Ok(u32::from_be_bytes(*version)))
}

fn wrap(header: &Header, by: WrappedBy, version: u32, with: &Key, key: &Key) -> Result<WrappedKey> {
    let mut wrapped = vec![FORMAT];
    wrapped.extend(with.encrypt(header.wrap_aad(by, version).as_slice(), key.bytes())?);
    Ok(WrappedKey { version, wrapped_by: by, wrapped })
}

/// The key in a row; `None` when `with` does not open it.
fn unwrap(header: &Header, row: &WrappedKey, with: &Key) -> Result<Option<Key>> {
    let Some((format, body)) = row.wrapped.split_first() else { return Ok(None) };
    if *format != FORMAT {
        return Err(Error::UnknownFormat { what: "a wrapped key", found: u32::from(*format) });
    }
    let aad = header.wrap_aad(row.wrapped_by, row.version);
    Ok(with.decrypt(aad.as_slice(), body).and_then(|plain| Key::from_slice(&plain)))
}

fn expect_source(header: &Header, source: KeySource) -> Result<()> {
    if header.source == source { Ok(()) } else { Err(Error::OtherSource(header.source)) }
}

fn load_kek(vault_id: &str, store: &dyn KekStore) -> Result<Kek> {
    store
        .load(vault_id)
        .map_err(Error::KeyringUnreadable)?
        .ok_or_else(|| Error::KeyMissing { vault_id: vault_id.to_owned() })
}

/// A store that takes a key and then cannot give it back would lock the vault at the next start, so it is asked at once.
fn keep_new_kek(vault_id: &str, store: &dyn KekStore) -> Result<Kek> {
    let kek = Kek::random()?;
    store.save(vault_id, &kek).map_err(Error::NoKeyring)?;
    match store.load(vault_id).map_err(Error::NoKeyring)? {
        Some(kept) if kept.0.same_as(&kek.0) => Ok(kek),
        _ => Err(Error::NoKeyring(KeyError::Malformed("it was not given back as it was stored"))),
    }
}

fn new_passphrase(passphrase: &Secret, cost: Kdf) -> Result<(PassphraseKdf, Kek)> {
    check_length(passphrase)?;
    let mut salt = vec![0; SALT_BYTES];
    fill_random(&mut salt)?;
    let kek = cost.derive(passphrase, &salt)?;
    Ok((PassphraseKdf { algorithm: KdfAlgorithm::Argon2id, cost, salt }, kek))
}
