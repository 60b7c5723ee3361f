//! Resources.

use std::panic::Location;
use std::sync::Arc;

use super::entries::secure_router;
use super::method::{Answer, ReadHandler, ResourceContext, Variables};
use super::private_to;
use super::signature::First;
use crate::mcp::ProofFor;
use crate::mcp::proof::Proves;
use crate::mcp::uri::{Normal, Template};
use crate::scope::Vocabulary;
use ::rmcp::ErrorData;
use ::rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceRequestParams,
    ReadResourceResponse, Resource, ResourceTemplate,
};
use ::rmcp::service::{RequestContext, RoleServer};

secure_router! {
    /// Resources and templates, each with a method that takes a proof first.
    ///
    /// rmcp has no router for resources. This one is called by the three methods of a `ServerHandler`
    /// that are about them. What a method's first parameter demands is the resource's policy, and the
    /// router checks it once more.
    ///
    /// A template is one of [`Policy::resource`](crate::mcp::Policy::resource): `{x}` stands for one
    /// segment, `{*x}` for all that follow. URIs are normalised before they are compared; where several
    /// match, the most precise one counts. Handlers are `async` methods; after the proof they take what
    /// rmcp's handlers take: `Parameters` with the variables of the template, [`ResourceUri`](super::ResourceUri),
    /// `RequestContext`, and more.
    ///
    /// # Proves
    /// A resource is read only for a request that this router's guard let in, by a token that grants what
    /// the first parameter of its method says.
    ///
    /// # Does not prove
    /// That the method reads what the URI names, and nothing else: files of others are its own affair.
    ///
    /// # Examples
    /// ```
    /// use clearance::mcp::{McpScopes, ResourcesRead};
    /// use clearance::rmcp::SecureResourceRouter;
    /// use clearance::{Authorized, Guard};
    /// use rmcp::handler::server::wrapper::Parameters;
    /// use rmcp::model::{
    ///     ListResourceTemplatesResult, PaginatedRequestParams, ReadResourceRequestParams,
    ///     ReadResourceResponse, ResourceTemplate,
    /// };
    /// use rmcp::service::RequestContext;
    /// use rmcp::{ErrorData, RoleServer, ServerHandler};
    ///
    /// #[derive(Clone)]
    /// struct Files {
    ///     resources: SecureResourceRouter<Self, McpScopes>,
    /// }
    ///
    /// #[derive(serde::Deserialize)]
    /// struct File {
    ///     name: String,
    /// }
    ///
    /// impl Files {
    ///     async fn file(
    ///         &self,
    ///         _: Authorized<ResourcesRead>,
    ///         Parameters(File { name }): Parameters<File>,
    ///     ) -> Result<String, ErrorData> {
    ///         Ok(format!("the content of {name}"))
    ///     }
    ///
    ///     fn new(guard: &Guard<McpScopes>) -> Self {
    ///         let template = ResourceTemplate::new("file:///{name}", "file");
    ///         let resources = SecureResourceRouter::new(guard).template(template, Self::file);
    ///         Self { resources }
    ///     }
    /// }
    ///
    /// impl ServerHandler for Files {
    ///     async fn read_resource(
    ///         &self,
    ///         request: ReadResourceRequestParams,
    ///         cx: RequestContext<RoleServer>,
    ///     ) -> Result<ReadResourceResponse, ErrorData> {
    ///         self.resources.read(self, request, cx).await
    ///     }
    ///
    ///     async fn list_resource_templates(
    ///         &self,
    ///         _: Option<PaginatedRequestParams>,
    ///         cx: RequestContext<RoleServer>,
    ///     ) -> Result<ListResourceTemplatesResult, ErrorData> {
    ///         self.resources.list_templates(&cx)
    ///     }
    /// }
    /// ```
    SecureResourceRouter(Routes<H>) of Resource
}

impl<H: Send + Sync + 'static, V: Vocabulary> SecureResourceRouter<H, V> {
    /// One more resource.
    ///
    /// A URI that stands twice, or that is none, is an error when a layer is built whose policy
    /// includes this router; so is one that ends in `/*`, which is a pattern of policies.
    #[track_caller]
    pub fn resource<F, Args>(self, attr: Resource, handler: F) -> Self
    where
        F: ReadHandler<H, Args>,
        Args: First,
        Args::Proof: ProofFor<Resource, V>,
    {
        let uri = attr.uri.clone();
        let about = About::One(attr);
        self.with::<Scope<Args, V>>(&uri, Location::caller(), |routes| {
            routes.add(&uri, about, handler);
        })
    }

    /// One more template. Like [`resource`](Self::resource).
    #[track_caller]
    pub fn template<F, Args>(self, attr: ResourceTemplate, handler: F) -> Self
    where
        F: ReadHandler<H, Args>,
        Args: First,
        Args::Proof: ProofFor<Resource, V>,
    {
        let uri = attr.uri_template.clone();
        let about = About::Many(attr);
        self.with::<Scope<Args, V>>(&uri, Location::caller(), |routes| {
            routes.add(&uri, about, handler);
        })
    }

    /// Reads a resource, if the caller may: the whole of a `read_resource`.
    ///
    /// # Errors
    /// See [`Authorize::authorize`](super::Authorize::authorize); -32002 (from revision 2026-07-28 on
    /// -32602) for a resource that is not there.
    pub async fn read(
        &self,
        server: &H,
        request: ReadResourceRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        const UNKNOWN: &str = "resource not found";
        let normal = Normal::of(&request.uri);
        let found = normal.as_ref().and_then(|uri| self.inner.routes.find(uri));
        let Some((route, variables)) = found else {
            // What is there is nobody's business whom this router's guard has not let in.
            self.inner.entries.admit(&cx.extensions)?;
            return Err(ErrorData::resource_not_found(UNKNOWN, None));
        };
        self.inner
            .entries
            .check(&route.uri, &cx.extensions, UNKNOWN)?;
        let context = ResourceContext {
            request_context: cx,
            service: server,
            uri: request.uri,
            variables,
        };
        (route.read)(context).await
    }

    /// The resources that the caller may read, as the result of a `list_resources`: for this caller
    /// alone.
    ///
    /// # Errors
    /// Where no layer let the request pass, or another guard.
    pub fn list(&self, cx: &RequestContext<RoleServer>) -> Result<ListResourcesResult, ErrorData> {
        let resources = self.granted(cx, |about| match about {
            About::One(resource) => Some(resource.clone()),
            About::Many(_) => None,
        })?;
        Ok(private_to(
            cx,
            ListResourcesResult::with_all_items(resources),
        ))
    }

    /// The templates of which the caller may read something, as the result of a
    /// `list_resource_templates`: for this caller alone.
    ///
    /// # Errors
    /// Where no layer let the request pass, or another guard.
    pub fn list_templates(
        &self,
        cx: &RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates = self.granted(cx, |about| match about {
            About::One(_) => None,
            About::Many(template) => Some(template.clone()),
        })?;
        Ok(private_to(
            cx,
            ListResourceTemplatesResult::with_all_items(templates),
        ))
    }

    fn granted<T>(
        &self,
        cx: &RequestContext<RoleServer>,
        pick: impl Fn(&About) -> Option<T>,
    ) -> Result<Vec<T>, ErrorData> {
        let entries = &self.inner.entries;
        let granted = entries.granted(&cx.extensions)?;
        let routes = self.inner.routes.0.iter();
        let shown = routes.filter(|route| entries.is_shown(&route.uri, granted));
        Ok(shown.filter_map(|route| pick(&route.about)).collect())
    }
}

/// What the first parameter of a method demands.
type Scope<Args, V> = <<Args as First>::Proof as Proves<Resource, V>>::Scope;

/// In their order.
struct Routes<H>(Vec<Route<H>>);

struct Route<H> {
    uri: Box<str>,
    /// Nothing if the text is none: a layer that knows of it is not built.
    template: Option<Template>,
    about: About,
    read: Arc<Read<H>>,
}

#[derive(Clone)]
enum About {
    One(Resource),
    Many(ResourceTemplate),
}

type Read<H> = dyn for<'a> Fn(ResourceContext<'a, H>) -> Answer<'a> + Send + Sync;

impl<H: 'static> Routes<H> {
    fn add<F: ReadHandler<H, Args>, Args>(&mut self, uri: &str, about: About, handler: F) {
        // Of one that stands twice the last counts, as it does for what is demanded.
        self.0.retain(|route| *route.uri != *uri);
        self.0.push(Route {
            uri: uri.into(),
            template: Template::of_handler(uri).ok(),
            about,
            read: Arc::new(move |context| handler.read(context)),
        });
    }

    /// The most precise one that covers a URI, and what its variables stand for.
    fn find(&self, uri: &Normal) -> Option<(&Route<H>, Variables)> {
        let templates = self.0.iter().filter_map(|route| {
            let template = route.template.as_ref()?;
            Some((route, template, template.matches(uri)?))
        });
        let best = templates.min_by(|(_, a, _), (_, b, _)| a.cmp_precision(b));
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        best.map(|(route, _, found)| (route, found.into_iter().map(owned).collect()))
    }
}

impl<H> Default for Routes<H> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<H> Clone for Routes<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<H> Clone for Route<H> {
    fn clone(&self) -> Self {
        Self {
            uri: self.uri.clone(),
            template: self.template.clone(),
            about: self.about.clone(),
            read: Arc::clone(&self.read),
        }
    }
}
