//! The commands: which verb, which parameters, which generation of answers.

use crosspoint_core::{Context, Execute, Failure, Native, Outcome, Safety};
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Style;
use super::shapes::{Delete, Read, Repeat, Send, Write, WriteOld};
use super::{Answers, Connector, request};

/// Declares commands: name, verb, what repeating it does, generation, parameters.
macro_rules! commands {
    ($($(#[doc = $doc:literal])* $name:ident = $method:ident $safety:ident $style:ident $shape:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Deserialize, JsonSchema)]
        #[serde(transparent)]
        struct $name($shape);

        impl Execute<Connector> for $name {
            const NAME: &'static str = stringify!($name);
            const SAFETY: Safety = Safety::$safety;

            fn execute(
                self,
                http: &Connector,
                cx: &Context,
            ) -> impl Future<Output = Result<Outcome, Failure>> + std::marker::Send {
                request::run(http, Method::$method, Style::$style, self.0.into(), cx)
            }
        }
    )*};
}

commands! {
    /// Sends a GET request. Answers with the upstream's text, under the upstream's status.
    GetRequest = GET ReadOnly Bare Read;
    /// Sends a POST request with a JSON body. Answers with the upstream's text, under the
    /// upstream's status.
    PostRequest = POST Effectful Bare WriteOld;

    /// Sends a GET request and follows redirects. JSON and XML answers are parsed.
    GetRequestV2 = GET ReadOnly Package Repeat;
    /// Sends a HEAD request. Answers with the status; there is no body.
    HeadRequestV2 = HEAD ReadOnly Package Repeat;
    /// Sends a DELETE request. JSON and XML answers are parsed.
    DeleteRequestV2 = DELETE Idempotent Package Delete;
    /// Sends a PATCH request with a JSON body. JSON and XML answers are parsed.
    PatchRequestV2 = PATCH Effectful Package Write;
    /// Sends a POST request with a JSON body. JSON and XML answers are parsed.
    PostRequestV2 = POST Effectful Package Write;
    /// Sends a PUT request with a JSON body. JSON and XML answers are parsed.
    PutRequestV2 = PUT Idempotent Package Write;
    /// Sends an OPTIONS request. JSON and XML answers are parsed; which methods there are is in the
    /// headers.
    OptionsRequestV2 = OPTIONS ReadOnly Package Repeat;
    /// Sends a TRACE request. The answer is what the upstream has received.
    TraceRequestV2 = TRACE ReadOnly Package Repeat;

    /// Sends a HEAD request without following redirects. Answers with the status; there is no
    /// body.
    HeadRequest = HEAD ReadOnly Newer Read;
    /// Sends a DELETE request without following redirects. JSON and XML answers are parsed.
    DeleteRequest = DELETE Idempotent Newer Send;
    /// Sends a PATCH request without following redirects. JSON and XML answers are parsed.
    PatchRequest = PATCH Effectful Newer Send;
    /// Sends a PUT request without following redirects. JSON and XML answers are parsed.
    PutRequest = PUT Idempotent Newer Send;
    /// Sends a GET request without following redirects. JSON and XML answers are parsed.
    NewerGetRequest = GET ReadOnly Newer Read;
    /// Sends a POST request without following redirects. JSON and XML answers are parsed.
    NewerPostRequest = POST Effectful Newer Send;
}

/// Adds the commands; `answers` decides between the two that bear the same names.
pub(super) fn add(native: Native<Connector>, answers: Answers) -> Native<Connector> {
    let native = match answers {
        Answers::Compatible => native.command::<GetRequest>().command::<PostRequest>(),
        Answers::Newer => native
            .command_named::<NewerGetRequest>("GetRequest")
            .command_named::<NewerPostRequest>("PostRequest"),
    };
    native
        .command::<GetRequestV2>()
        .command::<HeadRequestV2>()
        .command::<DeleteRequestV2>()
        .command::<PatchRequestV2>()
        .command::<PostRequestV2>()
        .command::<PutRequestV2>()
        .command::<OptionsRequestV2>()
        .command::<TraceRequestV2>()
        .command::<HeadRequest>()
        .command::<DeleteRequest>()
        .command::<PatchRequest>()
        .command::<PutRequest>()
}
