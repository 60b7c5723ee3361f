#![doc = include_str!("keys.md")]

mod error;
#[cfg(feature = "fetch")]
mod introspection;
mod issuer;
mod limit;
mod limits;
mod path;
#[cfg(feature = "fetch")]
mod proxy;
mod read;
mod reference;
mod root;
mod seals;
mod values;

pub use error::SettingError;

use std::fmt;

use serde::{Deserialize, Deserializer};

use self::error::Problem;
use self::issuer::IssuerSetting;
use self::path::Path;
use self::root::ConfigKeys;
use self::values::{Identifier, NonEmpty};
use crate::guard::{ConfigError, Guard, GuardBuilder, Ready, TrustedIssuer};
use crate::id::{Issuer, Resource};
use crate::scope::{ScopeTable, Vocabulary};
use crate::session::SealKeys;

/// A table of these keys: what each is called, and where its value goes.
macro_rules! keys {
    ($table:ident: $($(#[$when:meta])* $key:ident),*) => {
        impl $crate::config::read::Table for $table {
            const KEYS: &'static [&'static str] = &[$($(#[$when])* stringify!($key)),*];

            fn take<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                entry: $crate::config::read::Entry<'_, A>,
            ) -> Result<(), A::Error> {
                match entry.name {
                    $($(#[$when])* stringify!($key) => entry.read(&mut self.$key),)*
                    _ => entry.refuse(Self::KEYS),
                }
            }
        }
    };
}
use keys;

/// What an operator decides about a guard, from a file of any format that `serde` reads.
///
/// It comes out of a text and nothing else, and ends in the builder that code uses too, so it can leave
/// out nothing that a guard needs. It holds no secret, only where each is; they are read by
/// [`builder`](Self::builder).
///
/// # Examples
/// ```
/// use clearance::config::Config;
/// use clearance::mcp::McpScopes;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config: Config = toml::from_str(
///     r#"
///     resource = "https://files.example.com/mcp"
///     limit = { requests = 600, per = "minute", burst = 50 }
///
///     [[issuers]]
///     identifier = "https://auth.example.com"
///     "#,
/// )?;
/// let guard = config
///     .builder::<McpScopes>()?
///     .deny_if(|caller| caller.subject().as_str() == "mallory") // what is code stays code
///     .build()?;
/// assert_eq!(guard.issuers().count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Config {
    resource: Identifier<Resource>,
    issuers: NonEmpty<IssuerSetting>,
    options: ConfigKeys,
}

impl Config {
    /// The builder of a guard, to which everything in this configuration was said. Secrets, keys and
    /// certificates are read from their files now.
    ///
    /// # Errors
    /// [`SettingError`]
    pub fn builder<V: Vocabulary>(&self) -> Result<GuardBuilder<V, Ready>, SettingError> {
        self.builder_with(|_, issuer| issuer)
    }

    /// The same, with what code has to say about issuers: types for their claims, an HTTP client.
    ///
    /// # Errors
    /// [`SettingError`]
    ///
    /// # Examples
    /// ```
    /// use clearance::config::Config;
    /// use clearance::mcp::McpScopes;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Tenant {
    ///     tenant: String,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config: Config = serde_json::from_str(
    ///     r#"{
    ///         "resource": "https://files.example.com/mcp",
    ///         "issuers": [{ "identifier": "https://auth.example.com" }]
    ///     }"#,
    /// )?;
    /// let guard = config
    ///     .builder_with::<McpScopes>(|_, issuer| issuer.extra_claims::<Tenant>())?
    ///     .build()?;
    /// # let _ = guard;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder_with<V: Vocabulary>(
        &self,
        mut change: impl FnMut(&Issuer, TrustedIssuer) -> TrustedIssuer,
    ) -> Result<GuardBuilder<V, Ready>, SettingError> {
        let (root, scopes) = (Path::Root, ScopeTable::of::<V>());
        let resource = self.resource.get();
        let resource = resource.map_err(|problem| root.key("resource").fault(problem))?;
        if let Some(keys) = &self.options.seal_keys {
            keys.check(root.key("seal_keys"))?;
        }
        let issuers = root.key("issuers");
        let mut trusted = |place, setting: &IssuerSetting| {
            let at = issuers.item(place);
            let issuer = setting.trusted(at, &scopes)?;
            let identifier = setting.identifier.get();
            let identifier = identifier.map_err(|problem| at.fault(problem))?;
            Ok(change(identifier, issuer))
        };
        let builder = Guard::builder(resource.clone());
        let mut builder = builder.trusted_issuer(trusted(0, &self.issuers.first)?);
        for (place, setting) in (1..).zip(&self.issuers.rest) {
            builder = builder.trusted_issuer(trusted(place, setting)?);
        }
        self.options.on(builder, root, &scopes)
    }

    /// The guard, if code has nothing to add. What the guard itself refuses is told by its key, too.
    ///
    /// # Errors
    /// [`SettingError`]
    ///
    /// # Examples
    /// ```
    /// use clearance::config::Config;
    /// use clearance::mcp::McpScopes;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config: Config = toml::from_str(
    ///     r#"
    ///     resource = "https://files.example.com/mcp"
    ///     issuers = [{ identifier = "https://auth.example.com", jwks_uri = "http://auth.example.com/keys" }]
    ///     "#,
    /// )?;
    /// let error = config.guard::<McpScopes>().unwrap_err();
    /// assert_eq!(error.key(), "issuers[0].jwks_uri");
    /// # Ok(())
    /// # }
    /// ```
    pub fn guard<V: Vocabulary>(&self) -> Result<Guard<V>, SettingError> {
        let built = self.builder::<V>()?.build();
        built.map_err(|error| SettingError::new(self.key_of(&error), Problem::Guard(error)))
    }

    /// The keys for the layer that seals sessions, which are a choice without a default:
    /// `LayerBuilder::seal_keys`.
    ///
    /// # Errors
    /// [`SettingError`], also if the configuration does not say `seal_keys`.
    ///
    /// # Examples
    /// ```
    /// use clearance::config::Config;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config: Config = toml::from_str(
    ///     r#"
    ///     resource = "https://files.example.com/mcp"
    ///     issuers = [{ identifier = "https://auth.example.com" }]
    ///     seal_keys = "this_process_only"
    ///     "#,
    /// )?;
    /// let keys = config.seal_keys()?;
    /// # let _ = keys;
    /// # Ok(())
    /// # }
    /// ```
    pub fn seal_keys(&self) -> Result<SealKeys, SettingError> {
        let at = Path::Root.key("seal_keys");
        let setting = self.options.seal_keys.as_ref();
        let setting = setting.ok_or_else(|| at.fault(Problem::Missing("")))?;
        setting.keys(at)
    }

    /// The key whose value the guard refused; empty if it is not the value of one key.
    fn key_of(&self, error: &ConfigError) -> String {
        let mut settings = self.issuers.iter();
        let found = if let ConfigError::ForeignType(name) = error {
            let place = settings.position(|setting| setting.accepts_type(name));
            place.map(|place| (place, ".accept_types"))
        } else {
            key_of_issuer(error).and_then(|(issuer, key)| {
                let place = settings.position(|setting| setting.identifier.get() == Ok(issuer));
                place.map(|place| (place, key))
            })
        };
        found.map_or_else(String::new, |(place, key)| format!("issuers[{place}]{key}"))
    }
}

/// Of which issuer the guard refused the value of which key, if it was one of an issuer.
fn key_of_issuer(error: &ConfigError) -> Option<(&Issuer, &'static str)> {
    Some(match error {
        ConfigError::ClientAuthentication(issuer) | ConfigError::SecondIntrospected(issuer) => {
            (issuer, ".introspection")
        }
        ConfigError::EmptyPath(issuer) => (issuer, ".scopes_from_claim.path"),
        ConfigError::HttpClient(issuer)
        | ConfigError::IntrospectionClient(issuer)
        | ConfigError::RepeatedIssuer(issuer) => (issuer, ""),
        ConfigError::IntrospectionEndpoint(issuer) => (issuer, ".introspection.endpoint"),
        ConfigError::IntrospectionLifetime(issuer) => (issuer, ".introspection.lifetime_seconds"),
        ConfigError::KeySet(issuer, _) | ConfigError::NoUsableKey(issuer) => (issuer, ".keys_file"),
        ConfigError::KeySetUrl(issuer) => (issuer, ".jwks_uri"),
        ConfigError::NoAlgorithm(issuer) => (issuer, ".only_algorithms"),
        ConfigError::Proxy(issuer) => (issuer, ".proxy"),
        ConfigError::RootCertificate(issuer) => (issuer, ".root_certificates"),
        ConfigError::ScopePrefix(issuer) => (issuer, ".scope_prefix"),
        ConfigError::StaleKeys(issuer) => (issuer, ".stale_keys_limit_seconds"),
        ConfigError::ForeignType(_)
        | ConfigError::Leeway
        | ConfigError::Lifetime
        | ConfigError::MetadataPath(_)
        | ConfigError::Quota
        | ConfigError::Randomness
        | ConfigError::Thread
        | ConfigError::UnknownScope(_)
        | ConfigError::UnroutablePath(_) => return None,
    })
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(read::At::<Self>::new(Path::Root))
    }
}

/// Without URLs, which may have a password in them until the guard has looked.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<_> = self
            .issuers
            .iter()
            .map(|issuer| &issuer.identifier)
            .collect();
        f.debug_struct("Config")
            .field("resource", &self.resource)
            .field("issuers", &issuers)
            .finish_non_exhaustive()
    }
}
