// Generated from nnviz_widgets/pictures/colors.py by `make protocol`. Do not edit.

export const COLOR_MAPS = {"diverging-light":["#053061","#2166ac","#4393c3","#92c5de","#d1e5f0","#f7f7f7","#fddbc7","#f4a582","#d6604d","#b2182b","#67001f"],"diverging-dark":["#62abff","#3f7cc4","#264d7e","#1b2a40","#17191d","#38231b","#77412a","#bb653f","#ff9663"],"sequential-light":["#f7f7f7","#dbe3ef","#b3c3dd","#7d97c3","#4a6ba6","#22468a","#0a2a66"],"sequential-dark":["#17191d","#2b3558","#4a5272","#6f7178","#9c9466","#cdba50","#ffe84d"]};

export const SPECIAL = {"nan":"#ff00e5","posinf":"#7ee000","neginf":"#00d9c0"};
