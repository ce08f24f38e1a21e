//! What a test found.

use serde::Serialize;

use super::suite::Weight;

/// What a test found, gathered as it goes along.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many things were looked at.
    pub looked_at: usize,
    /// What is wrong.
    pub complaints: Vec<Complaint>,
    /// What was passed over.
    pub skipped: Vec<Skipped>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// The command, parameter or address it is about.
    pub about: String,
    /// What is wrong, in a sentence.
    pub what: String,
    /// What was sent; shortened, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// What came back; shortened, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came_back: Option<String>,
}

/// Something that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The command.
    pub about: String,
    /// Why.
    pub reason: String,
}

/// What a test's findings amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that was looked at is right.
    Ok,
    /// Something could be better.
    Warning,
    /// Something is wrong.
    Failed,
    /// Nothing was looked at.
    Skipped,
}

// === impl Findings ===

impl Findings {
    /// Nothing yet.
    pub fn new() -> Findings {
        Findings::default()
    }

    /// Counts one thing as looked at; a complaint when it is wrong.
    pub fn note(&mut self, complaint: Option<Complaint>) {
        self.looked_at += 1;
        self.complaints.extend(complaint);
    }

    /// Counts one thing as looked at; wrong unless `right`.
    pub fn expect(&mut self, right: bool, about: &str, what: impl FnOnce() -> String) {
        self.note((!right).then(|| Complaint::new(about, what())));
    }

    /// Passes over something.
    pub fn skip(&mut self, about: &str, reason: impl Into<String>) {
        self.skipped.push(Skipped {
            about: about.to_owned(),
            reason: reason.into(),
        });
    }

    /// What it amounts to.
    pub fn verdict(&self, weight: Weight) -> Verdict {
        match (self.complaints.is_empty(), weight) {
            (false, Weight::Failure) => Verdict::Failed,
            (false, Weight::Warning) => Verdict::Warning,
            (true, _) if self.looked_at == 0 => Verdict::Skipped,
            (true, _) => Verdict::Ok,
        }
    }
}

// === impl Complaint ===

impl Complaint {
    /// A complaint that needs no call to be understood.
    pub fn new(about: impl Into<String>, what: impl Into<String>) -> Complaint {
        Complaint {
            about: about.into(),
            what: what.into(),
            sent: None,
            came_back: None,
        }
    }
}
