//! Methods about resources, and what they take.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use ::rmcp::ErrorData;
use ::rmcp::handler::server::common::{AsRequestContext, FromContextPart};
use ::rmcp::handler::server::wrapper::Parameters;
use ::rmcp::model::{ReadResourceResponse, ReadResourceResult, ResourceContents};
use ::rmcp::service::{RequestContext, RoleServer};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(super) type Answer<'a> =
    Pin<Box<dyn Future<Output = Result<ReadResourceResponse, ErrorData>> + Send + 'a>>;

/// What the variables of a template stand for.
pub(super) type Variables = Vec<(String, String)>;

/// What a method about a resource takes its parameters from.
pub struct ResourceContext<'a, H> {
    pub(super) request_context: RequestContext<RoleServer>,
    pub(super) service: &'a H,
    pub(super) uri: String,
    pub(super) variables: Variables,
}

impl<H> AsRequestContext for ResourceContext<'_, H> {
    fn as_request_context(&self) -> &RequestContext<RoleServer> {
        &self.request_context
    }

    fn as_request_context_mut(&mut self) -> &mut RequestContext<RoleServer> {
        &mut self.request_context
    }
}

impl<H> fmt::Debug for ResourceContext<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResourceContext(..)")
    }
}

/// The URI of a resource as the client wrote it, as a parameter of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a parameter is taken apart")]
pub struct ResourceUri(pub String);

impl<H> FromContextPart<ResourceContext<'_, H>> for ResourceUri {
    fn from_context_part(context: &mut ResourceContext<'_, H>) -> Result<Self, ErrorData> {
        Ok(Self(context.uri.clone()))
    }
}

/// What the variables of the template stand for: each is a string.
impl<H, P: DeserializeOwned> FromContextPart<ResourceContext<'_, H>> for Parameters<P> {
    fn from_context_part(context: &mut ResourceContext<'_, H>) -> Result<Self, ErrorData> {
        let variables = context.variables.iter();
        let variables = variables.map(|(name, value)| (name.clone(), Value::from(value.clone())));
        let variables = Value::Object(variables.collect::<Map<_, _>>());
        let unfit = |_| ErrorData::invalid_params("the URI's variables do not fit", None);
        serde_json::from_value(variables).map(Self).map_err(unfit)
    }
}

/// What a method about a resource can give.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the content of a resource",
    label = "not a `String`, `ReadResourceResult` or `Vec<ResourceContents>`, nor a `Result` of one",
    note = "the error of a `Result` is `rmcp::ErrorData`"
)]
pub trait IntoContents {
    /// The answer about the resource `uri`.
    ///
    /// # Errors
    /// Whatever the method says.
    fn into_contents(self, uri: &str) -> Result<ReadResourceResponse, ErrorData>;
}

impl IntoContents for String {
    fn into_contents(self, uri: &str) -> Result<ReadResourceResponse, ErrorData> {
        vec![ResourceContents::text(self, uri)].into_contents(uri)
    }
}

impl IntoContents for Vec<ResourceContents> {
    fn into_contents(self, uri: &str) -> Result<ReadResourceResponse, ErrorData> {
        ReadResourceResult::new(self).into_contents(uri)
    }
}

impl IntoContents for ReadResourceResult {
    fn into_contents(self, _: &str) -> Result<ReadResourceResponse, ErrorData> {
        Ok(self.into())
    }
}

impl IntoContents for ReadResourceResponse {
    fn into_contents(self, _: &str) -> Result<ReadResourceResponse, ErrorData> {
        Ok(self)
    }
}

impl<T: IntoContents> IntoContents for Result<T, ErrorData> {
    fn into_contents(self, uri: &str) -> Result<ReadResourceResponse, ErrorData> {
        self?.into_contents(uri)
    }
}

mod sealed {
    use std::future::Future;

    use super::{Answer, ResourceContext};

    /// An async method of `H` that takes `Args`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a method that reads a resource of `{H}`",
        label = "only the library says what is one"
    )]
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Reads<H, Args>: Send + Sync + 'static {
        fn read<'a>(&self, context: ResourceContext<'a, H>) -> Answer<'a>;
    }

    /// The same for a server that lives as long as `'a`.
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Method<'a, H, Args> {
        type Output;
        type Future: Future<Output = Self::Output> + Send + 'a;

        fn call(&self, server: &'a H, parameters: Args) -> Self::Future;
    }
}

use sealed::{Method, Reads};

/// A method about a resource: `async fn(&self, Authorized<S>, ..)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a method that reads a resource of `{H}`",
    label = "not an `async fn` of `&self` and up to five parameters, the first of which is `Authorized<S>`",
    note = "pass it without calling it: `{H}::read_file`"
)]
pub trait ReadHandler<H, Args>: Reads<H, Args> {}

#[diagnostic::do_not_recommend]
impl<H, Args, F: Reads<H, Args>> ReadHandler<H, Args> for F {}

macro_rules! methods {
    ($($($parameter:ident)*;)*) => { $(
        impl<'a, H: 'a, F, Run, $($parameter),*> Method<'a, H, ($($parameter,)*)> for F
        where
            F: Fn(&'a H, $($parameter),*) -> Run,
            Run: Future + Send + 'a,
        {
            type Output = Run::Output;
            type Future = Run;

            #[allow(non_snake_case, clippy::allow_attributes, reason = "named like their types")]
            fn call(&self, server: &'a H, ($($parameter,)*): ($($parameter,)*)) -> Run {
                self(server, $($parameter),*)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<H, F, R, $($parameter),*> Reads<H, ($($parameter,)*)> for F
        where
            H: Sync + 'static,
            F: for<'a> Method<'a, H, ($($parameter,)*), Output = R> + Send + Sync + 'static,
            R: IntoContents,
            $($parameter: for<'a> FromContextPart<ResourceContext<'a, H>>,)*
        {
            #[allow(unused_mut, non_snake_case, clippy::allow_attributes, reason = "none is taken")]
            fn read<'a>(&self, mut context: ResourceContext<'a, H>) -> Answer<'a> {
                $(
                    let $parameter = match $parameter::from_context_part(&mut context) {
                        Ok(parameter) => parameter,
                        Err(error) => return Box::pin(std::future::ready(Err(error))),
                    };
                )*
                let run = self.call(context.service, ($($parameter,)*));
                Box::pin(async move { run.await.into_contents(&context.uri) })
            }
        }
    )* };
}
methods! { ; A; A B; A B C; A B C D; A B C D E; }
