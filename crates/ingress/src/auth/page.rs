//! What a person sees at the end of a round trip.

use crosspoint_broker::profiles::ProfileId;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32rem;\
                     padding:0 1rem;color-scheme:light dark}h1{font-size:1.4rem}";

/// The tokens of a profile are kept.
pub(super) fn kept(profile: &ProfileId) -> String {
    write(
        "Authorised",
        html! {
            p { strong { (profile) } " is authorised. Its token is kept and refreshed from here on." }
            p { "You can close this page." }
        },
    )
}

/// It did not work. Texts of others may be in the message.
pub(super) fn failed(auth: &str, message: &str) -> String {
    write(
        "Not authorised",
        html! {
            p { (message) "." }
            p { "Auth: " (auth) }
        },
    )
}

/// For whoever does not follow redirects. Where they lead is not for reading.
pub(super) fn on_the_way() -> String {
    write("On the way", html! { p { "The browser is sent on." } })
}

fn write(title: &str, body: Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Crosspoint: " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    (body)
                }
            }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_shown_as_text() {
        let page = failed("crm/main", "the provider says: <script>alert(1)</script>");
        assert!(
            page.contains("&lt;script&gt;") && !page.contains("<script>"),
            "{page}"
        );
    }
}
