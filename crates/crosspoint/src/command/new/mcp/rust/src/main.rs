//! The connector {{name}}, with the official SDK of the Model Context Protocol.

use rmcp::handler::server::wrapper::Parameters;
use rmcp::{Json, ServiceExt, tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

struct Connector;

#[derive(Deserialize, JsonSchema)]
struct Greet {
    /// Who is greeted.
    name: String,
}

#[derive(Serialize, JsonSchema)]
struct Greeting {
    greeting: String,
}

#[tool_router(server_handler)]
impl Connector {
    // What is said here about repeating a tool is what Crosspoint goes by.
    #[tool(
        name = "Greet",
        description = "Says hello.",
        annotations(read_only_hint = true)
    )]
    fn greet(
        &self,
        Parameters(Greet { name }): Parameters<Greet>,
    ) -> Result<Json<Greeting>, String> {
        if name.chars().count() > 100 {
            return Err("the name is longer than 100 characters".to_owned());
        }
        let greeting = format!("Hello, {name}!");
        Ok(Json(Greeting { greeting }))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let running = Connector.serve(rmcp::transport::stdio()).await?;
    running.waiting().await?;
    Ok(())
}
