"""What a person sees: the Inspector, the cursor that links views, and the session that shows itself."""
