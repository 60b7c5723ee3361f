//! Limits beside the quota of each principal, as they are written.

use serde::de::MapAccess;

use super::error::Problem;
#[cfg(feature = "axum")]
use super::error::{SettingError, listed};
#[cfg(feature = "axum")]
use super::limit::Requests;
use super::path::Path;
use super::read::{self, Value};
use super::values::{NonEmpty, Word};
#[cfg(feature = "axum")]
use super::values::{Rows, Whole, scope_of};
use crate::guard::GuardBuilder;
use crate::limit::{Peers, Quota, per_client};
use crate::peer::{ForwardedBy, Network};
#[cfg(feature = "axum")]
use crate::scope::ScopeTable;
use crate::scope::Vocabulary;

/// What happens at once.
#[cfg(feature = "axum")]
type AtOnce = Whole<1, 4_294_967_295>;

#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    clients: Option<Quota>,
    #[cfg(feature = "axum")]
    methods: Option<Rows<Quota>>,
    #[cfg(feature = "axum")]
    tools: Option<Rows<Quota>>,
    #[cfg(feature = "axum")]
    scopes: Option<Rows<Quota>>,
    #[cfg(feature = "axum")]
    tool_costs: Option<Rows<Requests>>,
    #[cfg(feature = "axum")]
    calls_at_once: Option<AtOnce>,
    #[cfg(feature = "axum")]
    streams_at_once: Option<AtOnce>,
    peers: Option<PeerSetting>,
}

super::keys!(
    Limits: clients,
    #[cfg(feature = "axum")] methods,
    #[cfg(feature = "axum")] tools,
    #[cfg(feature = "axum")] scopes,
    #[cfg(feature = "axum")] tool_costs,
    #[cfg(feature = "axum")] calls_at_once,
    #[cfg(feature = "axum")] streams_at_once,
    peers
);

/// The methods of the protocol that can have a quota.
#[cfg(feature = "axum")]
const METHODS: [&str; 12] = [
    "completion/complete",
    "logging/setLevel",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "subscriptions/listen",
    "tools/call",
    "tools/list",
];

impl Value for Limits {
    fn expected() -> String {
        "a table of limits".to_owned()
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        read::table(at, table, |limits: Self, _| Ok(limits))
    }
}

impl Limits {
    pub(super) fn on_callers<V: Vocabulary, St>(
        &self,
        mut builder: GuardBuilder<V, St>,
    ) -> GuardBuilder<V, St> {
        if let Some(quota) = self.clients {
            builder = builder.limit(per_client(quota));
        }
        match &self.peers {
            Some(peers) => builder.peers(peers.peers()),
            None => builder,
        }
    }

    /// `burst` is that of the principal's quota, if it has one.
    #[cfg(feature = "axum")]
    pub(super) fn on_calls<V: Vocabulary, St>(
        &self,
        mut builder: GuardBuilder<V, St>,
        at: Path<'_>,
        scopes: &ScopeTable,
        burst: Option<u32>,
    ) -> Result<GuardBuilder<V, St>, SettingError> {
        use crate::limit::LimitedBy;

        let methods = at.key("methods");
        for (method, quota) in rows(self.methods.as_ref()) {
            if !METHODS.contains(&&**method) {
                let known = Problem::Unknown(listed(METHODS));
                return Err(methods.key(method).fault(known));
            }
            builder = builder.limit_named(LimitedBy::Method, method.clone(), *quota);
        }
        for (tool, quota) in rows(self.tools.as_ref()) {
            builder = builder.limit_tool(tool.clone(), *quota);
        }
        let of_scopes = at.key("scopes");
        for (name, quota) in rows(self.scopes.as_ref()) {
            let scope = scope_of(scopes, of_scopes.key(name), name)?;
            builder = builder.limit_named(LimitedBy::Scope, scope.into(), *quota);
        }
        let client = self.clients.map(Quota::at_once);
        let most = burst.into_iter().chain(client).min();
        let costs = at.key("tool_costs");
        for (tool, cost) in rows(self.tool_costs.as_ref()) {
            let cost = cost.small();
            if most.is_some_and(|most| cost > most) {
                return Err(costs.key(tool).fault(Problem::expected(
                    "no more requests than the quota of a principal or client allows at once",
                )));
            }
            builder = builder.cost_of_tool(tool.clone(), cost);
        }
        if let Some(most) = self.calls_at_once {
            builder = builder.calls_at_once(most.small());
        }
        if let Some(most) = self.streams_at_once {
            builder = builder.streams_at_once(most.small());
        }
        Ok(builder)
    }
}

/// What stands for each name.
#[cfg(feature = "axum")]
fn rows<T>(table: Option<&Rows<T>>) -> impl Iterator<Item = &(Box<str>, T)> {
    table.into_iter().flat_map(|Rows(rows)| rows)
}

/// Where addresses come from, and how often one may ask.
#[derive(Clone, Debug)]
struct PeerSetting {
    limit: Option<Quota>,
    proxies: Option<(NonEmpty<Network>, ForwardedBy)>,
}

#[derive(Default)]
struct PeerKeys {
    limit: Option<Quota>,
    proxies: Option<NonEmpty<Network>>,
    forwarded_by: Option<ForwardedBy>,
}

super::keys!(PeerKeys: limit, proxies, forwarded_by);

impl PeerSetting {
    fn peers(&self) -> Peers {
        let peers = match &self.proxies {
            Some((proxies, by)) => {
                let proxies: Vec<Network> = proxies.iter().copied().collect();
                Peers::behind(proxies, *by)
            }
            None => Peers::of_connections(),
        };
        match self.limit {
            Some(quota) => peers.limit(quota),
            None => peers,
        }
    }
}

impl Value for PeerSetting {
    fn expected() -> String {
        "a table with `limit`, `proxies` and `forwarded_by`, or an empty one".to_owned()
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        read::table(at, table, |keys: PeerKeys, at| {
            // One without the other would be ignored.
            let missing = |key, with| at.key(key).fault(Problem::Missing(with));
            let proxies = match (keys.proxies, keys.forwarded_by) {
                (Some(proxies), Some(by)) => Some((proxies, by)),
                (None, None) => None,
                (Some(_), None) => return Err(missing("forwarded_by", " beside `proxies`")),
                (None, Some(_)) => return Err(missing("proxies", " beside `forwarded_by`")),
            };
            Ok(Self {
                limit: keys.limit,
                proxies,
            })
        })
    }
}

impl Word for ForwardedBy {
    fn words() -> Vec<(&'static str, Self)> {
        vec![
            ("x-forwarded-for", Self::XForwardedFor),
            ("forwarded", Self::Forwarded),
        ]
    }
}

impl Value for Network {
    fn expected() -> String {
        "a network such as `10.0.0.0/8`, or an address".to_owned()
    }

    fn of_text(text: &str) -> Result<Self, Problem> {
        text.parse()
            .or_else(|_no_network| Self::of_other("another text"))
    }
}
