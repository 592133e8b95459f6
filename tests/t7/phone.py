"""phone: the customer's telephone, written from its published behaviour. Deterministic; no network, no clock.

Its state has the form of user_db.toml: `device` is what the telephone is set to, `around` what the world around it is like (is the
line active, is the customer abroad). A tool is a method named as in telecom.user.tools.json; it gives the text that the customer
reads on the screen. What a set-up of a task or an assertion calls is a method too."""
import copy

SIGNALS = {"2G": "poor", "3G": "fair", "4G": "good", "5G": "excellent"}  # where the customer is
BARS = {"poor": "📶¹ Poor", "fair": "📶² Fair", "good": "📶³ Good", "excellent": "📶⁴ Excellent"}
MBPS = {"2G": (0.1, 0.4), "3G": (1, 5), "4G": (10, 100), "5G": (50, 500)}  # lowest and highest of a network
FACTOR = {"poor": 0.2, "fair": 0.5, "good": 0.8, "excellent": 1.0}
MODES = {"4g_5g_preferred": "5G", "4g_only": "4G", "3g_only": "3G", "2g_only": "2G"}
VPN_SLOWS, SAVER_SLOWS = 0.1, 0.2
APN = {"apn_name": "internet", "reset_at_reboot": False, "mms_apn": "mms", "mmsc_url": "http://mms.carrier.com/mms/wapenc",
       "mms_proxy": None, "mms_port": None}


def on_off(x):
    return "ON" if x else "OFF"


class Phone:
    def __init__(self, db):
        self.device = copy.deepcopy(db["device"])
        self.device["active_apn_settings"] = {**APN, **self.device["active_apn_settings"]}
        self.device.setdefault("vpn_details", None)
        self.around = {"name": None, "phone_number": None, "is_abroad": False, "roaming_allowed": False, "line_active": True,
                       "mobile_data_usage_exceeded": False, "payment_request": None}

    # --- how it works ---

    def simulate_network_search(self):
        d, apn = self.device, self.device["active_apn_settings"]
        lost = (d["airplane_mode"] or d["sim_card_missing"] or d["sim_card_status"] != "active" or
                not self.around["line_active"] or apn["apn_name"] == "broken")
        technology = "none" if lost else MODES.get(d["network_mode_preference"], "5G")
        d["network_connection_status"] = "no_service" if lost else "connected"
        d["network_technology_connected"] = technology
        d["network_signal_strength"] = SIGNALS.get(technology, "none")

    def data_works(self):
        d, w = self.device, self.around
        if d["airplane_mode"] or d["network_signal_strength"] == "none" or d["network_connection_status"] == "no_service":
            return False
        if w["is_abroad"] and not (d["roaming_enabled"] and w["roaming_allowed"]):
            return False
        return d["data_enabled"] and not w["mobile_data_usage_exceeded"]

    def speed(self):
        """Megabits a second and their word; (None, "no connection")."""
        d = self.device
        if not self.data_works() or d["network_technology_connected"] not in MBPS:
            return None, "no connection"
        low, high = MBPS[d["network_technology_connected"]]
        mbps = (low + high) / 2 * FACTOR[d["network_signal_strength"]]
        if d["vpn_connected"] and (d["vpn_details"] or {}).get("server_performance") == "poor":
            mbps *= VPN_SLOWS
        if d["data_saver_mode"]:
            mbps *= SAVER_SLOWS
        for limit, word in ((1, "very poor"), (5, "poor"), (25, "fair"), (100, "good")):
            if mbps < limit:
                return mbps, word
        return mbps, "excellent"

    def mms_works(self):
        d = self.device
        allowed = d["app_statuses"].get("messaging", {}).get("permissions", {})
        return bool(self.data_works() and d["network_technology_connected"] != "2G" and
                    not (d["wifi_calling_enabled"] and d["wifi_calling_mms_over_wifi"]) and
                    d["active_apn_settings"]["mmsc_url"] and allowed.get("sms") and allowed.get("storage"))

    def bar(self):
        d = self.device
        parts = []
        if d["airplane_mode"]:
            parts.append("✈️ Airplane Mode")
        else:
            parts.append(BARS.get(d["network_signal_strength"], "📵 No Signal"))
            if d["network_technology_connected"] != "none":
                parts.append(d["network_technology_connected"])
            shown = d["data_enabled"] and d["network_technology_connected"] != "none"
            parts.append("📱 Data Enabled" if shown else "📵 Data Disabled")
            if d["data_saver_mode"]:
                parts.append("🔽 Data Saver")
        if d["wifi_enabled"]:
            parts.append("📡 Connected to " + d["wifi_ssid"] if d.get("wifi_ssid") and d["wifi_connected"] else "📡 Enabled")
        if d["vpn_connected"]:
            parts.append("🔒 VPN Connected")
        parts.append("🔋 %d%%" % d["battery_level"])
        return "Status Bar: " + " | ".join(parts)

    def did(self, text):
        return text + "\n" + self.bar()

    # --- what the customer can look at ---

    def check_status_bar(self):
        return self.bar()

    def check_network_status(self):
        d = self.device
        return "\n".join(("Airplane Mode: " + on_off(d["airplane_mode"]),
                          "SIM Card Status: " + self.sim(),
                          "Cellular Connection: " + d["network_connection_status"],
                          "Cellular Signal: " + d["network_signal_strength"],
                          "Cellular Network Type: " + d["network_technology_connected"],
                          "Mobile Data Enabled: " + ("Yes" if d["data_enabled"] else "No"),
                          "Data Roaming Enabled: " + ("Yes" if d["roaming_enabled"] else "No"),
                          "Wi-Fi Radio: " + on_off(d["wifi_enabled"]),
                          "Wi-Fi Connected: " + ("Yes" if d["wifi_connected"] else "No")))

    def check_network_mode_preference(self):
        return "Network Mode Preference: " + self.device["network_mode_preference"]

    def sim(self):
        return "missing" if self.device["sim_card_missing"] else self.device["sim_card_status"]

    def check_sim_status(self):
        return {"active": "Your SIM card is active and working.", "missing": "No SIM card detected in the phone.",
                "locked_pin": "The SIM card is locked with a PIN code.",
                "locked_puk": "The SIM card is locked with a PUK code."}[self.sim()]

    def check_data_restriction_status(self):
        return "Data Saver mode is %s." % on_off(self.device["data_saver_mode"])

    def check_apn_settings(self):
        apn = self.device["active_apn_settings"]
        return "Current APN Name: %s\nMMSC URL (for picture messages): %s" % (apn["apn_name"], apn["mmsc_url"] or "Not Set")

    def check_wifi_status(self):
        d = self.device
        if not d["wifi_enabled"]:
            return "Wi-Fi is turned OFF."
        return "Wi-Fi is ON, connected to %s." % d.get("wifi_ssid") if d["wifi_connected"] else "Wi-Fi is ON but not connected."

    def check_wifi_calling_status(self):
        return "Wi-Fi Calling is currently turned %s." % on_off(self.device["wifi_calling_enabled"])

    def check_vpn_status(self):
        d = self.device
        if d["vpn_connected"]:
            return "VPN is ON and connected. Server performance: %s." % (d["vpn_details"] or {}).get("server_performance", "unknown")
        return "VPN is turned on in the settings but not connected." if d["vpn_enabled_setting"] else "VPN is turned OFF."

    def check_installed_apps(self):
        return "Installed apps: " + ", ".join(sorted(self.device["app_statuses"]))

    def check_app_permissions(self, app_name):
        app = self.device["app_statuses"].get(app_name)
        if not app:
            return "App '%s' is not installed." % app_name
        granted = [p for p, yes in app["permissions"].items() if yes]
        return "App '%s' has permission for: %s." % (app_name, ", ".join(granted) or "nothing")

    def check_app_status(self, app_name):
        return self.check_app_permissions(app_name)

    def run_speed_test(self):
        mbps, word = self.speed()
        return "Speed test failed: no connection." if mbps is None else "Speed test: %.2f Mbps (%s)." % (mbps, word.title())

    def can_send_mms(self):
        return "Your messaging app %s send MMS messages." % ("can" if self.mms_works() else "cannot")

    # --- what the customer can change ---

    def toggle_airplane_mode(self):
        d = self.device
        d["airplane_mode"] = not d["airplane_mode"]
        if d["airplane_mode"]:
            d["wifi_connected"] = False
            self.unplug_vpn()
        self.simulate_network_search()
        return self.did("Airplane Mode is now %s." % on_off(d["airplane_mode"]))

    def reseat_sim_card(self):
        self.device["sim_card_missing"] = False
        self.simulate_network_search()
        return self.did("SIM card re-seated successfully.")

    def toggle_data(self):
        d = self.device
        d["data_enabled"] = not d["data_enabled"]
        self.simulate_network_search()
        return self.did("Mobile Data is now %s." % on_off(d["data_enabled"]))

    def toggle_roaming(self):
        d = self.device
        d["roaming_enabled"] = not d["roaming_enabled"]
        self.simulate_network_search()
        return self.did("Data Roaming is now %s." % on_off(d["roaming_enabled"]))

    def toggle_data_saver_mode(self):
        d = self.device
        d["data_saver_mode"] = not d["data_saver_mode"]
        return self.did("Data Saver Mode is now %s." % on_off(d["data_saver_mode"]))

    def set_network_mode_preference(self, mode):
        if mode not in MODES:
            return "There is no network mode %s; there are %s." % (mode, ", ".join(MODES))
        self.device["network_mode_preference"] = mode
        self.simulate_network_search()
        return self.did("Preferred Network Mode set to: " + mode)

    def set_apn_settings(self, apn_settings):
        self.device["active_apn_settings"] = {**APN, **apn_settings}
        self.simulate_network_search()
        return self.did("APN settings set.")

    def reset_apn_settings(self):
        self.device["active_apn_settings"]["reset_at_reboot"] = True
        self.simulate_network_search()
        return self.did("APN settings will reset at reboot.")

    def toggle_wifi(self):
        d = self.device
        d["wifi_enabled"] = not d["wifi_enabled"]
        d["wifi_connected"] = d["wifi_connected"] and d["wifi_enabled"]
        return self.did("Wi-Fi is now %s." % on_off(d["wifi_enabled"]))

    def toggle_wifi_calling(self):
        d = self.device
        d["wifi_calling_enabled"] = not d["wifi_calling_enabled"]
        return self.did("Wi-Fi Calling is now %s." % on_off(d["wifi_calling_enabled"]))

    def connect_vpn(self):
        self.device.update(vpn_connected=True, vpn_enabled_setting=True, vpn_details={"server_performance": "excellent"})
        return self.did("VPN connected successfully.")

    def unplug_vpn(self):
        was = self.device["vpn_connected"]
        self.device.update(vpn_connected=False, vpn_details=None)
        return was

    def disconnect_vpn(self):
        return self.did("VPN disconnected successfully." if self.unplug_vpn() else "No VPN was connected.")

    def grant_app_permission(self, app_name, permission):
        app = self.device["app_statuses"].get(app_name)
        if not app or permission not in app["permissions"]:
            return "App '%s' has no permission '%s'." % (app_name, permission)
        app["permissions"][permission] = True
        return self.did("Success. Permission '%s' granted to app '%s'." % (permission, app_name))

    def reboot_device(self):
        apn = self.device["active_apn_settings"]
        text = ""
        if apn["reset_at_reboot"]:
            self.device["active_apn_settings"] = dict(APN)
            text = "Resetting APN settings...\n"
        self.simulate_network_search()
        return self.did(text + "Restarting network services...")

    def check_payment_request(self):
        bill = self.around["payment_request"]
        return "A payment of %s USD is requested for bill %s." % (bill["amount"], bill["bill_id"]) if bill else "There is no payment request."

    def make_payment(self):
        bill = self.around["payment_request"]
        if not bill:
            return "There is no payment request."
        bill["paid"] = True
        return "Payment of %s USD has been made for bill %s." % (bill["amount"], bill["bill_id"])

    # --- what a task begins with ---

    def set_user_info(self, name, phone_number):
        self.around.update(name=name, phone_number=phone_number)

    def set_user_location(self, abroad):
        self.around["is_abroad"] = abroad

    def switch(self, key, value, search=False):
        self.device[key] = value
        if search:
            self.simulate_network_search()

    def turn_airplane_mode_on(self):
        self.unplug_vpn()
        self.switch("airplane_mode", True, search=True)

    def turn_airplane_mode_off(self):
        self.switch("airplane_mode", False, search=True)

    def turn_data_on(self):
        self.switch("data_enabled", True, search=True)

    def turn_data_off(self):
        self.switch("data_enabled", False, search=True)

    def turn_roaming_on(self):
        self.switch("roaming_enabled", True, search=True)

    def turn_roaming_off(self):
        self.switch("roaming_enabled", False, search=True)

    def turn_data_saver_mode_on(self):
        self.switch("data_saver_mode", True)

    def turn_data_saver_mode_off(self):
        self.switch("data_saver_mode", False)

    def unseat_sim_card(self):
        self.switch("sim_card_missing", True, search=True)

    def lock_sim_card(self, mode):
        self.switch("sim_card_status", "locked_" + mode, search=True)

    def break_apn_settings(self):
        self.device["active_apn_settings"]["apn_name"] = "broken"
        self.simulate_network_search()

    def break_apn_mms_setting(self):
        self.device["active_apn_settings"]["mmsc_url"] = None

    def break_vpn(self):
        self.device.update(vpn_connected=True, vpn_enabled_setting=True, vpn_details={"server_performance": "poor"})

    def set_wifi_calling(self, enabled, mms_over_wifi=None):
        self.device["wifi_calling_enabled"] = enabled
        if mms_over_wifi is not None:
            self.device["wifi_calling_mms_over_wifi"] = mms_over_wifi

    def remove_app_permission(self, app_name, permission):
        self.device["app_statuses"][app_name]["permissions"][permission] = False

    # --- what a task asserts ---

    def assert_service_status(self, expected_status):
        return self.device["network_connection_status"] == expected_status

    def assert_mobile_data_status(self, expected_status):
        return self.data_works() == expected_status

    def assert_internet_speed(self, expected_speed, expected_desc=None):
        mbps, word = self.speed()
        return mbps is not None and mbps >= expected_speed and expected_desc in (None, word)

    def assert_internet_not_excellent(self):
        return self.speed()[1] != "excellent"

    def assert_can_send_mms(self, expected_status):
        return self.mms_works() == expected_status

    def assert_airplane_mode_status(self, expected_status):
        return self.device["airplane_mode"] == expected_status

    def assert_mobile_roaming_status(self, expected_status):
        return self.device["roaming_enabled"] == expected_status

    def assert_mobile_data_saver_mode_status(self, expected_status):
        return self.device["data_saver_mode"] == expected_status

    def assert_mobile_data_usage_exceeded(self, expected_status):
        return self.around["mobile_data_usage_exceeded"] == expected_status
