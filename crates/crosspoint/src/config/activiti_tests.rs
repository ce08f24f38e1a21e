use super::all_secrets;
use super::tests::{ok, problems};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::TempDir::new().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn variables_of_activiti_set_the_names_of_destinations() {
    let env = [
        ("CROSSPOINT_BUILTIN", "http"),
        ("ACT_MESSAGING_DEST_SEPARATOR", "."),
        ("ACT_MESSAGING_DEST_PREFIX", "quix"),
        ("ACT_MESSAGING_DEST_TRANSFORMERS_ENABLED", "true"),
        ("ACT_MESSAGING_DEST_TRANSFORMERS", "toLowerCase"),
        ("ACT_INT_RES_CONSUMER", "results"),
        ("ACT_INT_ERR_CONSUMER", "errors"),
        ("ACT_RB_CMD_CONSUMER_DEST", "commands"),
        ("CROSSPOINT_ACTIVITI__DESTINATION_PREFIX", "own"),
    ];
    let activiti = ok("[activiti]\ndestination_separator = \"+\"", &env)
        .config
        .activiti;
    assert_eq!(activiti.destination_separator, ".");
    assert_eq!(activiti.destination_prefix, "own");
    assert!(activiti.destination_transformers_enabled);
    assert_eq!(activiti.destination_transformers.len(), 1);
    let commands = &activiti.destinations["commandConsumer"];
    assert_eq!(commands.name.as_deref(), Some("commands"));
    assert_eq!(activiti.result_destination.as_deref(), Some("results"));
    assert_eq!(activiti.error_destination.as_deref(), Some("errors"));
}

#[test]
fn the_password_of_the_message_broker_is_a_secret() {
    let env = [
        ("CROSSPOINT_BUILTIN", "http"),
        ("AMQP_URL", "amqps://u:canary-p4ss@h/v"),
    ];
    let loaded = ok("[activiti]\namqp = \"env:AMQP_URL\"", &env);
    assert!(all_secrets(&loaded).any(|secret| secret == "canary-p4ss"));
    assert_eq!(loaded.amqp.unwrap().expose(), "amqps://u:canary-p4ss@h/v");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let folder = folder(&[(
        "d.json",
        r#"{"name": "m", "actions": {"a": {"id": "a", "name": "go"}}}"#,
    )]);
    let file = folder.path().join("d.json").display().to_string();
    let toml = format!(
        r#"
        builtin = ["http"]
        [activiti]
        amqp = "http://h"
        serve = ["http/Get", ""]
        group = ""
        destination_separator = "--"
        min_app_version = 3
        max_app_version = 2
        [activiti.destinations."a.b"]
        separator = ""
        [activiti.definitions.gone]
        file = "gone.json"
        connector = "http"
        [activiti.definitions.movies]
        file = "{file}"
        connector = "http"
        [activiti.definitions.movies.actions.went]
        [activiti.definitions.movies.actions.go.outputs]
        x = "a..b"
        y = "a"
        "#
    );
    let problems = problems(&toml, &[]);
    for part in [
        "`activiti.amqp` is not the address",
        "`http/Get` fits no command",
        "`activiti.group`",
        "`activiti.destination_separator`",
        "`activiti.min_app_version`",
        "`activiti.destinations.a.b.separator`",
        "gone.json",
        "no action `went`",
        "`a..b` leads nowhere",
        "declares no such output",
    ] {
        assert!(problems.contains(part), "{part} is not in {problems}");
    }
}

#[test]
fn an_action_is_bound_by_its_name_or_as_the_table_says() {
    let folder = folder(&[(
        "d.json",
        r#"{"name": "Movies", "actions": {
            "a": {"id": "a", "name": "Write", "outputs": [{"id": "o", "name": "x", "type": "date"}]},
            "b": {"id": "b", "name": "other"}}}"#,
    )]);
    let file = folder.path().join("d.json").display().to_string();
    let toml = format!(
        "builtin = [\"http\"]\n[activiti.definitions.m]\nfile = \"{file}\"\nconnector = \"log\"\n\
         [activiti.definitions.m.actions.other]\ncommand = \"Real\"\ninputs = {{ a = \"b\" }}"
    );
    let loaded = ok(&toml, &[]);
    // A variable that the definition does not declare may come, and is mostly a slip.
    let warning = loaded.warnings[0].to_string();
    for part in ["m.actions.other.inputs.a", "declares no such input"] {
        assert!(warning.contains(part), "{warning}");
    }
    let bound = loaded.bound;
    let ids: Vec<_> = bound
        .iter()
        .map(|b| (&*b.implementation, b.command.to_string()))
        .collect();
    assert_eq!(
        ids,
        [
            ("Movies.Write", "log/Write".to_owned()),
            ("Movies.other", "log/Real".to_owned())
        ]
    );
    assert_eq!(bound[0].outputs[0].kind.as_deref(), Some("date"));
    assert_eq!(bound[1].inputs, [("a".to_owned(), "b".to_owned())]);
}

const CRM: &str = r#"{"name": "crm", "config": [{"name": "KEY", "secure": true, "value": "canary-1"}],
    "actions": {"a": {"id": "a", "name": "go"}}}"#;

#[test]
fn each_table_is_an_instance_with_its_own_name_profile_and_values() {
    let folder = folder(&[("d.json", CRM)]);
    let file = folder.path().join("d.json").display().to_string();
    let toml = format!(
        "builtin = [\"http\"]\n[activiti.definitions.a]\nfile = \"{file}\"\nconnector = \"crm\"\n\
         [activiti.definitions.b]\nfile = \"{file}\"\nconnector = \"crm\"\nname = \"other\"\n\
         profile = \"eu\"\nconfig = {{ KEY = \"env:CRM_KEY\", EXTRA = \"1\" }}\nfields = {{ KEY = \"token\" }}"
    );
    let loaded = ok(&toml, &[("CRM_KEY", "canary-2")]);
    let bound: Vec<_> = loaded
        .bound
        .iter()
        .map(|one| (&*one.implementation, one.variant.as_deref().unwrap()))
        .collect();
    assert_eq!(bound, [("crm.go", "a"), ("other.go", "b")]);
    let [a, b] = &loaded.variants[..] else {
        panic!("two variants");
    };
    assert_eq!(
        (a.profile.as_deref(), b.profile.as_deref()),
        (None, Some("eu"))
    );
    let key = &b.parameters[0];
    assert_eq!((key.field.as_deref(), key.secret), (Some("token"), true));
    assert_eq!(key.value.as_ref().unwrap().expose(), "canary-2");
    assert_eq!(
        a.parameters[0].default.as_ref().unwrap().expose(),
        "canary-1"
    );
    assert_eq!(b.parameters[1].name, "EXTRA");
    for canary in ["canary-1", "canary-2"] {
        assert!(all_secrets(&loaded).any(|secret| secret == canary));
    }
    assert!(
        loaded.warnings[0].to_string().contains("EXTRA"),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn mistakes_in_instances_are_told_at_once() {
    let folder = folder(&[("d.json", CRM)]);
    let file = folder.path().join("d.json").display().to_string();
    let table = |name: &str| {
        format!("[activiti.definitions.{name}]\nfile = \"{file}\"\nconnector = \"crm\"\n")
    };
    let toml = format!(
        "builtin = [\"http\"]\n{}name = \"a.b\"\nfields = {{ KEYS = \"x\" }}\n{}{}config = {{ KEY = \"env:GONE\" }}\n",
        table("a"),
        table("b"),
        table("c")
    );
    let problems = problems(&toml, &[]);
    for part in [
        "`a.b` is empty, or has a dot",
        "no configuration parameter `KEYS`",
        "`crm.go` is there already",
        "`env:GONE` is not set",
    ] {
        assert!(problems.contains(part), "{part} is not in {problems}");
    }
}

#[test]
fn what_is_stood_in_for_takes_documented_parameters() {
    let env = [
        ("CROSSPOINT_BUILTIN", "http,smtp"),
        ("REST_HOST", "h"),
        ("EMAIL_SMTP_AUTH", "FALSE"),
    ];
    let loaded = ok(
        "[activiti]\nstand_in_for = [\"restConnector\", \"emailConnector\"]",
        &env,
    );
    let rest = &loaded.bound[0];
    assert_eq!((rest.variant.as_deref(), rest.action()), (None, "GET"));
    assert_eq!(rest.parameters["REST_HOST"].expose(), "h");
    assert_eq!(rest.parameters["REST_HTTPS_PORT"].expose(), "443");
    let [email] = &loaded.variants[..] else {
        panic!("one variant");
    };
    assert_eq!(
        (&*email.connector, &*email.name),
        ("smtp", "emailConnector")
    );
    let fields: Vec<_> = email
        .parameters
        .iter()
        .filter_map(|one| one.field.as_deref())
        .collect();
    assert_eq!(fields, ["smtp_host", "smtp_port", "smtp_starttls"]);
}

#[test]
fn a_definition_goes_before_what_is_stood_in_for_and_that_is_said() {
    let text =
        r#"{"name": "slackConnector", "actions": {"a": {"id": "a", "name": "SEND_MESSAGE"}}}"#;
    let folder = folder(&[("d.json", text)]);
    let file = folder.path().join("d.json").display().to_string();
    let toml = format!(
        "builtin = [\"slack\"]\n[activiti]\nstand_in_for = [\"slackConnector\"]\n\
         [activiti.definitions.own]\nfile = \"{file}\"\nconnector = \"mine\""
    );
    let loaded = ok(&toml, &[]);
    let [one] = &loaded.bound[..] else {
        panic!("it is bound once");
    };
    assert_eq!(&*one.command.connector, "mine");
    let warnings = format!("{:?}", loaded.warnings);
    assert!(
        warnings.contains("slackConnector.SEND_MESSAGE"),
        "{warnings}"
    );
}
