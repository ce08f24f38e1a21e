import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonSyntaxException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.commons.validator.routines.EmailValidator;
import org.apache.commons.validator.routines.IBANValidator;

/** A connector around a Java library, Apache Commons Validator: are these bank details right? */
public final class Server {
    private static final Gson GSON = new Gson();
    private static final PrintStream OUT =
        new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private static final String TOOLS = """
        {"tools": [
          {"name": "CheckIban", "description": "Says whether an IBAN is right.",
           "inputSchema": {"type": "object", "required": ["iban"], "additionalProperties": false,
             "properties": {"iban": {"type": "string", "description": "With or without spaces."}}},
           "outputSchema": {"type": "object", "required": ["valid"],
             "properties": {"valid": {"type": "boolean"}, "country": {"type": "string"}}},
           "annotations": {"readOnlyHint": true}},
          {"name": "CheckEmail", "description": "Says whether an e-mail address can be one.",
           "inputSchema": {"type": "object", "required": ["address"], "additionalProperties": false,
             "properties": {"address": {"type": "string", "description": "As people write it."}}},
           "outputSchema": {"type": "object", "required": ["valid"],
             "properties": {"valid": {"type": "boolean"}}},
           "annotations": {"readOnlyHint": true}}
        ]}""";

    public static void main(String[] arguments) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonObject message;
            try {
                message = JsonParser.parseString(line).getAsJsonObject();
            } catch (JsonSyntaxException | IllegalStateException wrong) {
                System.err.println("what came is no message: " + wrong.getMessage());
                continue;
            }
            // What has no id wants no answer.
            if (message.has("id") && message.has("method")) {
                answer(message);
            }
        }
    }

    private static void answer(JsonObject message) {
        var answer = new JsonObject();
        answer.addProperty("jsonrpc", "2.0");
        answer.add("id", message.get("id"));
        switch (message.get("method").getAsString()) {
            case "initialize" -> answer.add("result", initialized());
            case "ping" -> answer.add("result", new JsonObject());
            case "tools/list" -> answer.add("result", JsonParser.parseString(TOOLS));
            case "tools/call" -> call(message.getAsJsonObject("params"), answer);
            default -> answer.add("error", error(-32601, "there is no such method"));
        }
        OUT.println(GSON.toJson(answer));
    }

    private static JsonElement initialized() {
        return JsonParser.parseString("""
            {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
             "serverInfo": {"name": "bank", "version": "1.0"}}""");
    }

    private static void call(JsonObject params, JsonObject answer) {
        var arguments = params.getAsJsonObject("arguments");
        switch (params.get("name").getAsString()) {
            case "CheckIban" -> {
                String iban = text(arguments, "iban");
                answer.add("result", iban == null ? noText("iban") : iban(iban.replace(" ", "")));
            }
            case "CheckEmail" -> {
                String address = text(arguments, "address");
                answer.add("result", address == null ? noText("address") : email(address));
            }
            default -> answer.add("error", error(-32602, "there is no such tool"));
        }
    }

    private static JsonObject iban(String iban) {
        var found = new JsonObject();
        boolean valid = IBANValidator.getInstance().isValid(iban);
        found.addProperty("valid", valid);
        if (valid) {
            found.addProperty("country", iban.substring(0, 2));
        }
        return result(found, false);
    }

    private static JsonObject email(String address) {
        var found = new JsonObject();
        // The library would look at a very long text for a very long time.
        boolean short_ = address.length() <= 320;
        found.addProperty("valid", short_ && EmailValidator.getInstance().isValid(address));
        return result(found, false);
    }

    private static String text(JsonObject arguments, String name) {
        JsonElement value = arguments == null ? null : arguments.get(name);
        boolean isText = value != null && value.isJsonPrimitive()
            && value.getAsJsonPrimitive().isString();
        return isText ? value.getAsString() : null;
    }

    /** The code is what a diagram catches. */
    private static JsonObject noText(String name) {
        var found = new JsonObject();
        found.addProperty("error_code", "NoText");
        found.addProperty("message", "'" + name + "' must be a text");
        return result(found, true);
    }

    private static JsonObject result(JsonObject found, boolean isError) {
        var block = new JsonObject();
        block.addProperty("type", "text");
        block.addProperty("text", GSON.toJson(found));
        var content = new com.google.gson.JsonArray();
        content.add(block);
        var result = new JsonObject();
        result.add("content", content);
        result.add("structuredContent", found);
        result.addProperty("isError", isError);
        return result;
    }

    private static JsonObject error(int code, String message) {
        var error = new JsonObject();
        error.addProperty("code", code);
        error.addProperty("message", message);
        return error;
    }
}
