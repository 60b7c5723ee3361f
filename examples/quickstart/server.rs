//! The files server: rmcp's own, with proofs in the signatures of its tools.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use clearance::mcp::{McpScopes, Policy, ToolsRead};
use clearance::rmcp::{SecureToolRouter, Secured};
use clearance::session::SealKeys;
use clearance::testing::AuthorizationServer;
use clearance::{AuthorizationLayer, Authorized, Guard, scopes};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::{self, JsonSchema};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler};
use serde::Deserialize;

scopes! {
    /// What a caller may be allowed to do on the files server.
    pub vocabulary FilesScopes includes McpScopes;

    /// See which files and tools there are, and read the files.
    pub FilesRead = "files:read" includes ToolsRead;
    /// Write files.
    pub FilesWrite = "files:write";
    /// Delete files.
    pub FilesDelete = "files:delete";
}

#[derive(Clone)]
pub(crate) struct Files {
    folder: Arc<Folder>,
    tools: SecureToolRouter<Self, FilesScopes>,
}

#[derive(Deserialize, JsonSchema)]
struct File {
    /// The name of a file, such as `notes.txt`.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct Written {
    /// The name of a file, such as `notes.txt`.
    name: String,
    /// All that will be in it.
    content: String,
}

// The signature is the policy: without the proof, these methods cannot be called. The files are small
// and local; larger ones would go through `tokio::fs`.
impl Files {
    #[tool(description = "Lists the files")]
    async fn list_files(&self, _: Authorized<FilesRead>) -> Result<String, String> {
        self.folder.names().map_err(told)
    }

    #[tool(description = "Reads a file")]
    async fn read_file(
        &self,
        _: Authorized<FilesRead>,
        Parameters(File { name }): Parameters<File>,
    ) -> Result<String, String> {
        std::fs::read_to_string(self.folder.file(&name)?).map_err(told)
    }

    #[tool(description = "Writes a file")]
    async fn write_file(
        &self,
        auth: Authorized<FilesWrite>,
        Parameters(Written { name, content }): Parameters<Written>,
    ) -> Result<String, String> {
        std::fs::write(self.folder.file(&name)?, content).map_err(told)?;
        Ok(format!("{} wrote {name}", auth.subject()))
    }

    #[tool(description = "Deletes a file")]
    async fn delete_file(
        &self,
        auth: Authorized<FilesDelete>,
        Parameters(File { name }): Parameters<File>,
    ) -> Result<String, String> {
        std::fs::remove_file(self.folder.file(&name)?).map_err(told)?;
        Ok(format!("{} deleted {name}", auth.subject()))
    }

    pub(crate) fn new(guard: &Guard<FilesScopes>, folder: Folder) -> Self {
        Self {
            folder: Arc::new(folder),
            tools: SecureToolRouter::new(guard)
                .tool(Self::list_files_tool_attr(), Self::list_files)
                .tool(Self::read_file_tool_attr(), Self::read_file)
                .tool(Self::write_file_tool_attr(), Self::write_file)
                .tool(Self::delete_file_tool_attr(), Self::delete_file),
        }
    }
}

#[tool_handler(router = self.tools, name = "files")]
impl ServerHandler for Files {}

impl Files {
    /// What the signatures above demand.
    pub(crate) fn policy(&self) -> Policy<FilesScopes> {
        Policy::standard().include(&self.tools)
    }

    /// rmcp's HTTP service, with the layer around it.
    pub(crate) fn app(
        self,
        guard: &Guard<FilesScopes>,
        config: StreamableHttpServerConfig,
    ) -> Result<Router, Box<dyn Error + Send + Sync>> {
        let layer = AuthorizationLayer::builder(guard, self.policy())
            .seal_keys(SealKeys::this_process_only())
            // Where the MCP Inspector's pages come from.
            .allow_origin("http://localhost:6274")
            .allow_origin("http://127.0.0.1:6274")
            .build()?;
        let make = move || Ok(Secured::new(self.clone()));
        let sessions = Arc::new(LocalSessionManager::default());
        let service = StreamableHttpService::new(make, sessions, config);
        Ok(Router::new().nest_service("/mcp", service).layer(layer))
    }
}

/// What the authorization server revokes, the guard refuses at once.
pub(crate) fn listen_for_revocations(
    authorization: &AuthorizationServer,
    guard: &Guard<FilesScopes>,
) {
    let revocations = guard.revocations().clone();
    authorization.on_revoked(move |issuer, token| {
        let told = revocations.revoke_token(issuer, token);
        assert!(told.is_ok(), "the issuer is the guard's");
    });
}

/// What callers are told of an error of the file system.
#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
fn told(error: io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        return "no such file".to_owned();
    }
    error.kind().to_string()
}

/// A folder that is there as long as this is.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn with(name: &str, content: &str) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("clearance-files-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(folder);
        std::fs::create_dir(&path)?;
        let folder = Self(path);
        std::fs::write(folder.0.join(name), content)?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn names(&self) -> io::Result<String> {
        let entries = std::fs::read_dir(&self.0)?;
        let names: Result<Vec<_>, _> = entries
            .map(|entry| entry.map(|it| it.file_name()))
            .collect();
        let mut names = names?;
        names.sort();
        let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
        Ok(names.join("\n"))
    }

    /// A file of this folder. A scope says that a caller may read files; which ones is for the server
    /// to see to.
    fn file(&self, name: &str) -> Result<PathBuf, String> {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_letter) {
            return Err("a name is letters, digits, dots and dashes".to_owned());
        }
        Ok(self.0.join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
